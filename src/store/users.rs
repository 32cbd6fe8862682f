//! Table `users`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::client::Status;
use crate::domain::ids::UserId;
use crate::domain::page::{Page, PageRequest};
use crate::domain::search::{ListFilter, SearchKind};
use crate::domain::user::{User, username_key};
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{checked, corrupt, from_json, to_json, to_list, to_micros, to_time};
use crate::store::schema::{search_words, users};
use crate::store::search_words::{Narrowed, searched};

/// A row of `users`; other tables that join it use it too.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(super) struct UserRow {
    id: String,
    username: String,
    username_key: String,
    name: Option<String>,
    email: Option<String>,
    password_hash: String,
    roles: String,
    status: String,
    created_at: i64,
    updated_at: i64,
    password_changed_at: i64,
    profile: String,
}

/// A user with the hash of their password (PHC form).
pub struct UserWithPassword {
    /// The account.
    pub user: User,
    /// argon2id, PHC form.
    pub password_hash: String,
}

impl From<&UserWithPassword> for UserRow {
    fn from(account: &UserWithPassword) -> Self {
        let user = &account.user;
        Self {
            id: user.id.0.clone(),
            username: user.username.clone(),
            username_key: username_key(&user.username),
            name: user.name.clone(),
            email: user.email.clone(),
            password_hash: account.password_hash.clone(),
            roles: to_list(user.roles.iter().map(String::as_str)),
            status: user.status.as_str().to_owned(),
            created_at: to_micros(user.created_at),
            updated_at: to_micros(user.updated_at),
            password_changed_at: to_micros(user.password_changed_at),
            profile: to_json(&user.profile),
        }
    }
}

impl TryFrom<UserRow> for UserWithPassword {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        let user = User {
            status: Status::parse(&row.status).ok_or_else(|| corrupt("status", &row.status))?,
            id: UserId(row.id),
            username: row.username,
            name: row.name,
            email: row.email,
            roles: checked(&row.roles, |role| role),
            created_at: to_time(row.created_at),
            updated_at: to_time(row.updated_at),
            password_changed_at: to_time(row.password_changed_at),
            profile: from_json("profile", &row.profile)?,
        };
        Ok(Self { user, password_hash: row.password_hash })
    }
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        UserWithPassword::try_from(row).map(|account| account.user)
    }
}

impl StoreConnection {
    /// The user of this identifier.
    pub fn find_user(&mut self, id: &str) -> Result<Option<User>, StoreError> {
        let row = users::table.find(id).select(UserRow::as_select()).get_result(self).optional()?;
        row.map(User::try_from).transpose()
    }

    /// The user of this name, without regard to case, with their password hash.
    pub fn find_user_by_username(&mut self, username: &str) -> Result<Option<UserWithPassword>, StoreError> {
        let query = users::table.filter(users::username_key.eq(username_key(username)));
        let row = query.select(UserRow::as_select()).get_result(self).optional()?;
        row.map(UserWithPassword::try_from).transpose()
    }

    /// A page of users by identifier.
    pub fn list_users(&mut self, filter: &ListFilter, page: &PageRequest) -> Result<Page<User>, StoreError> {
        let narrowed = match &filter.search {
            Some(search) => self.narrow_by_words(SearchKind::User, search)?,
            None => Narrowed::default(),
        };
        let mut query = users::table.select(UserRow::as_select()).order(users::id).limit(page.limit + 1).into_boxed();
        if let Some(after) = &page.after {
            query = query.filter(users::id.gt(after));
        }
        if let Some(status) = filter.status {
            query = query.filter(users::status.eq(status.as_str()));
        }
        let query = searched!(query, SearchKind::User, users::id, narrowed);
        let rows: Result<Vec<_>, _> = query.load(self)?.into_iter().map(User::try_from).collect();
        Ok(Page::from_rows(rows?, page.limit, |row| row.id.0.clone()))
    }

    /// Adds a user; a [`StoreError::Conflict`] when the name is taken.
    pub fn insert_user(&mut self, account: &UserWithPassword) -> Result<(), StoreError> {
        diesel::insert_into(users::table).values(UserRow::from(account)).execute(self)?;
        self.put_user_words(&account.user)
    }

    /// Replaces profile and roles, unless the user was changed since `read_at`, the `updated_at` that was read; false then.
    pub fn update_user(&mut self, user: &User, read_at: DateTime<Utc>) -> Result<bool, StoreError> {
        let unchanged = users::table.find(user.id.as_str()).filter(users::updated_at.eq(to_micros(read_at)));
        let done = diesel::update(unchanged)
            .set((
                users::username.eq(&user.username),
                users::username_key.eq(username_key(&user.username)),
                users::name.eq(&user.name),
                users::email.eq(&user.email),
                users::profile.eq(to_json(&user.profile)),
                users::roles.eq(to_list(user.roles.iter().map(String::as_str))),
                users::updated_at.eq(to_micros(user.updated_at)),
            ))
            .execute(self)?;
        if done == 1 {
            self.put_user_words(user)?;
        }
        Ok(done == 1)
    }

    /// The words by which a user is found.
    pub(super) fn put_user_words(&mut self, user: &User) -> Result<(), StoreError> {
        let optional = |text: &'_ Option<String>| text.clone().unwrap_or_default();
        let (name, email) = (optional(&user.name), optional(&user.email));
        self.put_search_words(SearchKind::User, user.id.as_str(), &[&user.username, &name, &email, user.id.as_str()])
    }

    /// Activates or deactivates an account; false when there is no such user.
    pub fn update_user_status(&mut self, id: &str, to: Status, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let done = diesel::update(users::table.find(id))
            .set((users::status.eq(to.as_str()), users::updated_at.eq(to_micros(now))))
            .execute(self)?;
        Ok(done == 1)
    }

    /// Sets a new password; false when there is no such user.
    pub fn update_user_password(
        &mut self,
        id: &str,
        password_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let done = diesel::update(users::table.find(id))
            .set((users::password_hash.eq(password_hash), users::password_changed_at.eq(to_micros(now))))
            .execute(self)?;
        Ok(done == 1)
    }

    /// Is this still the user's password, and the account active? Holds the row until the write ends, so that a new password
    /// or a disabled account either is seen here, or sees and ends what this write adds.
    pub fn confirm_password(&mut self, id: &str, password_hash: &str) -> Result<bool, StoreError> {
        let standing = users::table
            .find(id)
            .filter(users::password_hash.eq(password_hash))
            .filter(users::status.eq(Status::Active.as_str()));
        Ok(diesel::update(standing).set(users::password_hash.eq(password_hash)).execute(self)? == 1)
    }

    /// Is the account active? Holds the row until the write ends, as [`Self::confirm_password`] does.
    pub fn confirm_active_user(&mut self, id: &str) -> Result<bool, StoreError> {
        let active = Status::Active.as_str();
        let standing = users::table.find(id).filter(users::status.eq(active));
        Ok(diesel::update(standing).set(users::status.eq(active)).execute(self)? == 1)
    }

    /// Replaces the hash of an unchanged password by one of another cost, unless it was changed meanwhile.
    pub fn update_user_rehash(&mut self, id: &str, old_hash: &str, new_hash: &str) -> Result<bool, StoreError> {
        let done = diesel::update(users::table.find(id).filter(users::password_hash.eq(old_hash)))
            .set(users::password_hash.eq(new_hash))
            .execute(self)?;
        Ok(done == 1)
    }
}
