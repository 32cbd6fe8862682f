# Was alle Seiten gemeinsam haben.
skip = Zum Inhalt springen
menu = Menü
trail = Wo Sie sind
none = nichts
sign-out = Abmelden
cancel = Abbrechen
copy = Kopieren
copied = Kopiert
download-env = .env herunterladen
secret-once = Dies wird nur jetzt angezeigt. Speichern Sie es, bevor Sie diese Seite verlassen.
filter-apply = Anzeigen
pager = Seiten
page-first = Erste Seite
page-next = Nächste Seite
chart-top = höchstens { $top }
chart-table = Die Zahlen als Tabelle
step-passed = bestanden
step-failed = gescheitert
step-noted = Hinweis
step-not-asked = nicht gefragt

confirm-type = Geben Sie „{ $name }“ ein, um fortzufahren
confirm-password = Ihr Passwort
confirm-password-hint = Es wird noch einmal verlangt, weil sich dies nicht leicht rückgängig machen lässt.

error-title = Das hat nicht geklappt
error-back = Zum Anfang
error-failed = Der Server konnte dies nicht abschließen. Versuchen Sie es gleich noch einmal.
error-password-needed = Geben Sie Ihr Passwort noch einmal ein.
error-password-wrong = Das Passwort ist falsch.
error-not-confirmed = Geben Sie den Namen genau so ein, wie er dasteht.
error-stale-form = Dieses Formular ist zu alt oder wurde nicht für diesen Browser erstellt. Laden Sie die Seite neu und versuchen Sie es noch einmal.
error-sign-in-stale = Diese Anmeldung wurde nicht in diesem Browser begonnen oder ist zu lange her. Beginnen Sie noch einmal.
error-throttled = Zu viele Versuche. Versuchen Sie es in { $seconds } Sekunden noch einmal.
error-not-allowed = Ihre Rollen erlauben dies nicht: Es braucht { $scope }.
error-not-found = Unter dieser Adresse gibt es nichts, oder es gehört Ihnen nicht.
error-refused = Der Server hat dies abgelehnt: { $reason }.

done-created = Es wurde erstellt.
done-saved = Die Änderungen wurden gespeichert.
done-deleted = Es wurde gelöscht.
done-disabled = Es wurde gesperrt.
done-enabled = Es wurde freigegeben.
done-revoked = Es wurde widerrufen.

action-create = Erstellen
action-save = Speichern
action-edit = Bearbeiten
action-delete = Löschen
action-disable = Sperren
action-enable = Freigeben
action-revoke = Widerrufen
action-rotate = Erneuern

column-name = Name
column-id = Kennung
column-description = Beschreibung
column-created = Erstellt
column-expires = Läuft ab
column-last-used = Zuletzt benutzt
column-status = Zustand
column-scope = Rechte
column-owner = Inhaber
column-environment = Umgebung

status-active = aktiv
status-disabled = gesperrt
status-revoked = widerrufen
status-expired = abgelaufen
