# What every page shares.
skip = Skip to the content
menu = Menu
trail = Where you are
none = none
sign-out = Sign out
cancel = Cancel
copy = Copy
copied = Copied
download-env = Download .env
secret-once = This is shown only now. Store it before you leave this page.
filter-apply = Show
pager = Pages
page-first = First page
page-next = Next page
chart-top = highest { $top }
chart-table = The figures as a table
step-passed = passed
step-failed = failed
step-noted = note
step-not-asked = not asked

confirm-type = Type “{ $name }” to go on
confirm-password = Your password
confirm-password-hint = You are asked for it again because this cannot be undone easily.

error-title = This did not work
error-back = To the start
error-failed = The server could not finish this. Try again shortly.
error-password-needed = Give your password once more.
error-password-wrong = The password is wrong.
error-not-confirmed = Type the name exactly as it is written.
error-stale-form = This form is too old, or was not made for this browser. Reload the page and try again.
error-sign-in-stale = This sign-in was not begun in this browser, or too long ago. Start again.
error-throttled = Too many attempts. Try again in { $seconds } seconds.
error-not-allowed = Your roles do not allow this: it needs { $scope }.
error-not-found = There is nothing at this address, or it is not yours.
error-refused = The server refused this: { $reason }.

done-created = It has been created.
done-saved = The changes have been saved.
done-deleted = It has been deleted.
done-disabled = It has been disabled.
done-enabled = It has been enabled.
done-revoked = It has been revoked.

action-create = Create
action-save = Save
action-edit = Edit
action-delete = Delete
action-disable = Disable
action-enable = Enable
action-revoke = Revoke
action-rotate = Rotate

column-name = Name
column-id = Identifier
column-description = Description
column-created = Created
column-expires = Expires
column-last-used = Last used
column-status = Status
column-scope = Scope
column-owner = Owner
column-environment = Environment

status-active = active
status-disabled = disabled
status-revoked = revoked
status-expired = expired
