# Projects, scopes, environments, plans, service accounts.
projects-lead = An access key can be limited to some of these projects.
projects-empty = There are no projects yet. Create one, and access keys can be limited to it.
projects-new = New project
projects-id-hint = What credentials and requests name it by. It cannot be changed. Letters, digits, and - . _ ~
projects-edit = Edit project
projects-delete = Delete project
projects-delete-text = The project “{ $name }” will be gone. Nothing else is deleted with it.
