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

confirm-title = One more question
confirm-go-on = Go on
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
span-year = { $number ->
    [one] { $number } year
   *[other] { $number } years
}
span-month = { $number ->
    [one] { $number } month
   *[other] { $number } months
}
span-day = { $number ->
    [one] { $number } day
   *[other] { $number } days
}
span-hour = { $number ->
    [one] { $number } hour
   *[other] { $number } hours
}
span-minute = { $number ->
    [one] { $number } minute
   *[other] { $number } minutes
}
span-second = { $number ->
    [one] { $number } second
   *[other] { $number } seconds
}

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

# Signing in and out, consent, devices.
login-title = Sign in
login-to = to continue to
login-username = Username
login-password = Password
consent-title = Allow access
consent-heading = Allow access?
consent-asks = asks for access to your account
consent-identity = It asks only to know who you are.
consent-able = It will be able to:
consent-allow = Allow
consent-deny = Deny
consent-sent = You will be sent to
device-title = Connect a device
device-enter = Enter the code that the device shows.
device-code = Code
device-continue = Continue
device-own = Go on only if you started this on a device of your own.
device-asks = on a device asks for access to your account
device-check = Check that the device in front of you shows
device-warning = If somebody else gave you this code, deny: they would get access to your account.
device-connected = The device is connected
device-refused = The device is not connected
device-goes-on = It goes on by itself. You can close this page.
device-gets-none = It gets no access. You can close this page.
logout-heading = Sign out?
logout-asks = asks to sign you out here too.
signed-in-title = You are signed in
signed-in-as = as
signed-in-account = Your account
signed-out-title = You are signed out
signed-out-continue = Continue
signed-out-close = You can close this page.
signed-out-frame = Signing out
error-login-failed = Username or password is wrong.
once-title = Sent twice
once-text = This form was sent before: it was done then, and not again. If it showed a secret, that was in the first answer; rotate it if you did not see it.
once-look = See what was made
home-lead = Sign in to manage your account.
home-account = Your account
home-console = Console for operators
not-found-title = Nothing is here
method-title = Nothing to see here
method-text = This address only takes what a form sends. Go to the page of the form.
rejected-title = Request rejected
rejected-advice = Go back to the application that sent you here and try again. If it happens again, tell its developers what this page says.
