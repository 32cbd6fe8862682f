# Projekte, Rechte, Umgebungen, Tarife, Dienstkonten.
projects-lead = Ein API-Schlüssel kann auf einige dieser Projekte beschränkt werden.
projects-empty = Es gibt noch keine Projekte. Erstellen Sie eines, dann können API-Schlüssel darauf beschränkt werden.
projects-new = Neues Projekt
projects-id-hint = So nennen es Zugangsdaten und Anfragen. Es lässt sich nicht ändern. Buchstaben, Ziffern und - . _ ~
projects-edit = Projekt bearbeiten
projects-delete = Projekt löschen
projects-delete-text = Das Projekt „{ $name }“ wird verschwinden. Sonst wird nichts gelöscht.
