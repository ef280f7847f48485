//! People who log in, their sessions, and the links that let them in once.
//!
//! Sessions and links are kept as the hashes of what their holders have. All of it is read when it is asked for, so that a
//! change holds at once, on every node.

use domain::Timestamp;
use domain::user::Role;

use crate::error::StoreError;
use crate::params;
use crate::tx::{Row, Tx, Work};

/// Someone who may log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    /// Unique.
    pub id: String,
    /// Unique, in lower case.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// The hash of their password; `None` until they have chosen one.
    pub password_hash: Option<String>,
    /// When they were added.
    pub created_at: Timestamp,
    /// When they were last changed.
    pub updated_at: Timestamp,
}

const COLUMNS: &str = "id, email, role, password_hash, created_at, updated_at";

fn read(row: Row) -> Result<UserRow, StoreError> {
    let mut row = row.read();
    Ok(UserRow {
        id: row.text()?,
        email: row.text()?,
        role: row.named(Role::from_name, "a role")?,
        password_hash: row.opt_text()?,
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}

/// All of them, in the order in which they were added.
pub struct ListUsers;

impl Work for ListUsers {
    type Output = Vec<UserRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<UserRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM users ORDER BY created_at, id");
        tx.query(&sql, vec![]).await?.into_iter().map(read).collect()
    }
}

/// Looks someone up.
pub enum FindUser {
    /// By id.
    Id(String),
    /// By address.
    Email(String),
}

impl Work for FindUser {
    type Output = Option<UserRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<UserRow>, StoreError> {
        let (column, value) = match self {
            Self::Id(id) => ("id", id),
            Self::Email(email) => ("email", email),
        };
        let sql = format!("SELECT {COLUMNS} FROM users WHERE {column} = ?1");
        tx.query(&sql, params![value]).await?.into_iter().next().map(read).transpose()
    }
}

/// Adds someone; false if their address is taken.
pub struct InsertUser {
    /// Whom.
    pub row: UserRow,
}

impl Work for InsertUser {
    type Output = bool;

    async fn run<T: Tx>(&self, tx: &T) -> Result<bool, StoreError> {
        insert(tx, &self.row).await
    }
}

async fn insert<T: Tx>(tx: &T, row: &UserRow) -> Result<bool, StoreError> {
    const SQL: &str = "INSERT INTO users (id, email, role, password_hash, created_at, updated_at) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (email) DO NOTHING";
    let UserRow { id, email, role, password_hash, created_at, updated_at } = row;
    let added = tx
        .execute(SQL, params![id, email, role.as_str(), password_hash.as_deref(), *created_at, *updated_at])
        .await?;
    Ok(added > 0)
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// It is done.
    Done,
    /// There is no such person, or they were changed meanwhile.
    Gone,
    /// Another one has that address.
    EmailTaken,
    /// Nobody would be left who may manage the others.
    LastOwner,
}

/// Changes someone. A new password, and a lesser role, end their sessions.
pub struct UpdateUser {
    /// As they were.
    pub before: UserRow,
    /// As they are to be.
    pub after: UserRow,
}

impl Work for UpdateUser {
    type Output = UserChange;

    async fn run<T: Tx>(&self, tx: &T) -> Result<UserChange, StoreError> {
        let Self { before, after } = self;
        if before.email != after.email && FindUser::Email(after.email.clone()).run(tx).await?.is_some() {
            return Ok(UserChange::EmailTaken);
        }
        if before.role == Role::Owner && after.role != Role::Owner && is_last_owner(tx, &before.id).await? {
            return Ok(UserChange::LastOwner);
        }
        const SQL: &str = "UPDATE users SET email = ?2, role = ?3, password_hash = ?4, updated_at = ?5 WHERE id = ?1 AND updated_at = ?6";
        let values = params![
            &after.id,
            &after.email,
            after.role.as_str(),
            after.password_hash.as_deref(),
            after.updated_at,
            before.updated_at,
        ];
        if tx.execute(SQL, values).await? == 0 {
            return Ok(UserChange::Gone);
        }
        if before.password_hash != after.password_hash || after.role < before.role {
            end_sessions(tx, &after.id).await?;
        }
        Ok(UserChange::Done)
    }
}

/// Removes someone, with their sessions.
pub struct DeleteUser {
    /// Whom.
    pub id: String,
}

impl Work for DeleteUser {
    type Output = UserChange;

    async fn run<T: Tx>(&self, tx: &T) -> Result<UserChange, StoreError> {
        if is_last_owner(tx, &self.id).await? {
            return Ok(UserChange::LastOwner);
        }
        end_sessions(tx, &self.id).await?;
        let gone = tx.execute("DELETE FROM users WHERE id = ?1", params![&self.id]).await? > 0;
        Ok(if gone { UserChange::Done } else { UserChange::Gone })
    }
}

/// The owners are locked, so that two of them can't take each other out at once.
async fn is_last_owner<T: Tx>(tx: &T, id: &str) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT id FROM users WHERE role = 'owner' ORDER BY id /*pg: FOR UPDATE */";
    let owners: Vec<String> =
        tx.query(SQL, vec![]).await?.into_iter().map(|row| row.read().text()).collect::<Result<_, _>>()?;
    Ok(owners == [id])
}

/// Someone's session, as it is when it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub user: UserRow,
    /// When it was last noted that it is used.
    pub used_at: Timestamp,
    /// When it ends, however much it is used.
    pub expires_at: Timestamp,
}

/// A session to be begun.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The hash of what the browser gets.
    pub token_hash: Vec<u8>,
    /// When it begins.
    pub now: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl NewSession {
    async fn begin<T: Tx>(&self, tx: &T, user_id: &str) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO sessions (token_hash, user_id, created_at, used_at, expires_at) \
                           VALUES (?1, ?2, ?3, ?3, ?4)";
        tx.execute("DELETE FROM sessions WHERE expires_at <= ?1", params![self.now]).await?;
        tx.execute(SQL, params![self.token_hash.as_slice(), user_id, self.now, self.expires_at]).await?;
        Ok(())
    }
}

/// Begins a session.
pub struct InsertSession {
    /// Whose.
    pub user_id: String,
    /// Which.
    pub session: NewSession,
}

impl Work for InsertSession {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        self.session.begin(tx, &self.user_id).await
    }
}

/// Looks a session up that has not ended.
pub struct FindSession {
    /// The hash of what the browser sent.
    pub token_hash: Vec<u8>,
    /// The present.
    pub now: Timestamp,
    /// Sessions that have not been used since have ended.
    pub used_since: Timestamp,
}

impl Work for FindSession {
    type Output = Option<Session>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<Session>, StoreError> {
        const SQL: &str = "SELECT user_id, used_at, expires_at FROM sessions \
                           WHERE token_hash = ?1 AND expires_at > ?2 AND used_at > ?3";
        let values = params![self.token_hash.as_slice(), self.now, self.used_since];
        let Some(row) = tx.query(SQL, values).await?.into_iter().next() else { return Ok(None) };
        let mut row = row.read();
        let (id, used_at, expires_at) = (row.text()?, row.time()?, row.time()?);
        let user = FindUser::Id(id).run(tx).await?;
        Ok(user.map(|user| Session { user, used_at, expires_at }))
    }
}

/// Notes that a session is used.
pub struct TouchSession {
    /// Which.
    pub token_hash: Vec<u8>,
    /// The present.
    pub now: Timestamp,
}

impl Work for TouchSession {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE sessions SET used_at = ?2 WHERE token_hash = ?1";
        tx.execute(SQL, params![self.token_hash.as_slice(), self.now]).await.map(|_| ())
    }
}

/// Ends sessions.
pub enum EndSessions {
    /// This one.
    One(Vec<u8>),
    /// All of this person.
    OfUser(String),
}

impl Work for EndSessions {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        match self {
            Self::One(hash) => tx
                .execute("DELETE FROM sessions WHERE token_hash = ?1", params![hash.as_slice()])
                .await
                .map(|_| ()),
            Self::OfUser(id) => end_sessions(tx, id).await,
        }
    }
}

async fn end_sessions<T: Tx>(tx: &T, user_id: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM sessions WHERE user_id = ?1", params![user_id]).await.map(|_| ())
}

/// What a link is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To make the first user.
    SetUp,
    /// To choose a password, for this user.
    ChoosePassword(String),
    /// To log in, as this user.
    LogIn(String),
}

impl Purpose {
    fn parts(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::SetUp => ("set_up", None),
            Self::ChoosePassword(id) => ("choose_password", Some(id)),
            Self::LogIn(id) => ("log_in", Some(id)),
        }
    }
}

/// Makes a link, and forgets those that are too old.
pub struct InsertLink {
    /// The hash of what its holder gets.
    pub token_hash: Vec<u8>,
    /// What it is good for.
    pub purpose: Purpose,
    /// The present.
    pub now: Timestamp,
    /// Until when it is.
    pub expires_at: Timestamp,
}

impl Work for InsertLink {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        const SQL: &str =
            "INSERT INTO login_links (token_hash, purpose, user_id, expires_at) VALUES (?1, ?2, ?3, ?4)";
        let (purpose, user) = self.purpose.parts();
        tx.execute("DELETE FROM login_links WHERE expires_at <= ?1", params![self.now]).await?;
        tx.execute(SQL, params![self.token_hash.as_slice(), purpose, user, self.expires_at]).await?;
        Ok(())
    }
}

/// What a link is good for, as long as it is; looking does not use it up.
pub struct FindLink {
    /// The hash of what its holder sent.
    pub token_hash: Vec<u8>,
    /// The present.
    pub now: Timestamp,
}

impl Work for FindLink {
    type Output = Option<Purpose>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<Purpose>, StoreError> {
        const SQL: &str =
            "SELECT purpose, user_id FROM login_links WHERE token_hash = ?1 AND expires_at > ?2";
        let rows = tx.query(SQL, params![self.token_hash.as_slice(), self.now]).await?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let mut row = row.read();
        let (purpose, user) = (row.text()?, row.opt_text()?);
        Ok(match (purpose.as_str(), user) {
            ("set_up", None) => Some(Purpose::SetUp),
            ("choose_password", Some(user)) => Some(Purpose::ChoosePassword(user)),
            ("log_in", Some(user)) => Some(Purpose::LogIn(user)),
            _ => None,
        })
    }
}

/// Uses a link up: what it is good for happens, and a session begins. `None` if it was not good any more.
pub struct UseLink {
    /// The hash of what its holder sent.
    pub token_hash: Vec<u8>,
    /// What happens.
    pub entry: Entry,
    /// The session.
    pub session: NewSession,
}

/// What happens when a link is used.
pub enum Entry {
    /// The first user is made, if there is still none.
    SetUp(UserRow),
    /// A user gets a password, and their other sessions end.
    ChoosePassword {
        /// Who.
        user_id: String,
        /// The hash of the password.
        password_hash: String,
    },
    /// Nothing else.
    LogIn {
        /// Who.
        user_id: String,
    },
}

impl Work for UseLink {
    type Output = Option<UserRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<UserRow>, StoreError> {
        const TAKE: &str = "DELETE FROM login_links WHERE token_hash = ?1 AND expires_at > ?2";
        if tx.execute(TAKE, params![self.token_hash.as_slice(), self.session.now]).await? == 0 {
            return Ok(None);
        }
        let user_id = match &self.entry {
            Entry::SetUp(row) => {
                if !tx.query("SELECT id FROM users LIMIT 1", vec![]).await?.is_empty() {
                    return Ok(None);
                }
                insert(tx, row).await?;
                &row.id
            }
            Entry::ChoosePassword { user_id, password_hash } => {
                const SQL: &str = "UPDATE users SET password_hash = ?2, updated_at = ?3 WHERE id = ?1";
                tx.execute(SQL, params![user_id, password_hash, self.session.now]).await?;
                end_sessions(tx, user_id).await?;
                user_id
            }
            Entry::LogIn { user_id } => user_id,
        };
        let Some(user) = FindUser::Id(user_id.clone()).run(tx).await? else { return Ok(None) };
        self.session.begin(tx, &user.id).await?;
        Ok(Some(user))
    }
}
