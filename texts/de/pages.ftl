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

confirm-title = Noch eine Frage
confirm-go-on = Weiter
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
span-year = { $number ->
    [one] { $number } Jahr
   *[other] { $number } Jahren
}
span-month = { $number ->
    [one] { $number } Monat
   *[other] { $number } Monaten
}
span-day = { $number ->
    [one] { $number } Tag
   *[other] { $number } Tagen
}
span-hour = { $number ->
    [one] { $number } Stunde
   *[other] { $number } Stunden
}
span-minute = { $number ->
    [one] { $number } Minute
   *[other] { $number } Minuten
}
span-second = { $number ->
    [one] { $number } Sekunde
   *[other] { $number } Sekunden
}

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

# Anmelden und abmelden, Zustimmung, Geräte.
login-title = Anmelden
login-to = um fortzufahren zu
login-username = Benutzername
login-password = Passwort
consent-title = Zugriff erlauben
consent-heading = Zugriff erlauben?
consent-asks = bittet um Zugriff auf Ihr Konto
consent-identity = Es wird nur gefragt, wer Sie sind.
consent-able = Damit wird möglich:
consent-allow = Erlauben
consent-deny = Ablehnen
consent-sent = Sie werden weitergeleitet zu
device-title = Ein Gerät verbinden
device-enter = Geben Sie den Code ein, den das Gerät anzeigt.
device-code = Code
device-continue = Weiter
device-own = Fahren Sie nur fort, wenn Sie dies auf einem eigenen Gerät begonnen haben.
device-asks = auf einem Gerät bittet um Zugriff auf Ihr Konto
device-check = Prüfen Sie, dass das Gerät vor Ihnen dies anzeigt:
device-warning = Hat Ihnen jemand anderes diesen Code gegeben, lehnen Sie ab: Er bekäme Zugriff auf Ihr Konto.
device-connected = Das Gerät ist verbunden
device-refused = Das Gerät ist nicht verbunden
device-goes-on = Es macht von allein weiter. Sie können diese Seite schließen.
device-gets-none = Es bekommt keinen Zugriff. Sie können diese Seite schließen.
logout-heading = Abmelden?
logout-asks = bittet darum, Sie auch hier abzumelden.
signed-in-title = Sie sind angemeldet
signed-in-as = als
signed-in-account = Ihr Konto
signed-out-title = Sie sind abgemeldet
signed-out-continue = Weiter
signed-out-close = Sie können diese Seite schließen.
signed-out-frame = Sie werden abgemeldet
error-login-failed = Benutzername oder Passwort ist falsch.
once-title = Zweimal gesendet
once-text = Dieses Formular wurde schon gesendet: Es wurde damals ausgeführt und jetzt nicht noch einmal. Ein Geheimnis stand in der ersten Antwort; erneuern Sie es, wenn Sie es nicht gesehen haben.
once-look = Ansehen, was angelegt wurde
home-lead = Melden Sie sich an, um Ihr Konto zu verwalten.
home-account = Ihr Konto
home-console = Konsole für Betreiber
not-found-title = Hier ist nichts
method-title = Hier gibt es nichts zu sehen
method-text = Diese Adresse nimmt nur, was ein Formular schickt. Gehen Sie zur Seite des Formulars.
rejected-title = Anfrage abgelehnt
rejected-advice = Gehen Sie zur Anwendung zurück, die Sie hierher geschickt hat, und versuchen Sie es noch einmal. Geschieht es wieder, sagen Sie ihren Entwicklern, was hier steht.
