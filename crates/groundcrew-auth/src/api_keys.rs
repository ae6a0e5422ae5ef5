use std::fmt;
use std::sync::Arc;

use groundcrew_config::Secret;
use groundcrew_runtime::Crew;
use groundcrew_sql::sqlx::Error;
use groundcrew_sql::{Database, MigrationsError, statement};
use uuid::Uuid;

use crate::cache::Seen;
use crate::opaque::{self, Use};
use crate::store;
use crate::{AuthConfig, Principal, PrincipalKind, Scopes, clock};

/// Keys for programs, in the service's database: `gck_` and 49 letters and digits, of which the database has a hash.
///
/// ```
/// # #[cfg(not(feature = "sqlite"))] fn main() {}
/// # #[cfg(feature = "sqlite")]
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use groundcrew_auth::{AuthConfig, NewKey};
/// # let crew = groundcrew_runtime::Crew::builder("parcels", "1.0.0").build();
/// # let database = groundcrew_sql::SqlConfig::of("sqlite::memory:").connect(&crew).await?;
///
/// let keys = AuthConfig::default().keys(&crew, &database).await?;
/// let made = keys.create(NewKey::new("user-1", "the backup").with_scopes("parcels:read".parse()?)).await?;
/// println!("{}", made.secret.expose()); // shown this once
///
/// let who = keys.verify(made.secret.expose()).await?.expect("a good key");
/// assert!(who.subject == "user-1" && who.may("parcels:read"));
/// keys.revoke(&made.key.id).await?;
/// assert!(keys.verify(made.secret.expose()).await?.is_none());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ApiKeys {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    seen: Seen,
}

/// A key that is to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    subject: String,
    name: String,
    scopes: Scopes,
    expires_at: Option<i64>,
}

/// A key as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiKey {
    /// Its id, which is no secret.
    pub id: String,
    /// The beginning of the secret, to find it again where it is used.
    pub hint: String,
    /// Whose it is.
    pub subject: String,
    /// What it is for, in its owner's words.
    pub name: String,
    /// What it may.
    pub scopes: Scopes,
    /// When it was made, in seconds since 1970, as the other times.
    pub created_at: i64,
    /// From when it is not good any more.
    pub expires_at: Option<i64>,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
    /// When it was used, to about a minute.
    pub last_used_at: Option<i64>,
}

/// A key that was made.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MadeKey {
    /// What lists will show.
    pub key: ApiKey,
    /// The secret, which nobody can show again.
    pub secret: Secret<String>,
}

const INSERT: &str = "INSERT INTO groundcrew_auth_keys
    (id, hash, hint, subject, name, scopes, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const FIND: &str = "SELECT id, subject, scopes, expires_at, last_used_at FROM groundcrew_auth_keys
    WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
const LIST: &str = "SELECT id, hint, subject, name, scopes, created_at, expires_at, revoked_at, last_used_at
    FROM groundcrew_auth_keys WHERE ($1 IS NULL OR subject = $1) ORDER BY created_at DESC, id LIMIT 1000";
const REVOKE: &str = "UPDATE groundcrew_auth_keys SET revoked_at = $2
    WHERE id = $1 AND revoked_at IS NULL AND ($3 IS NULL OR subject = $3)";
const USED: &str = "UPDATE groundcrew_auth_keys SET last_used_at = $2
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $2 - 60)";
const ERASE: &str = "DELETE FROM groundcrew_auth_keys WHERE subject = $1";

type Found = (String, String, String, Option<i64>, Option<i64>);
type Listed = (String, String, String, String, String, i64, Option<i64>, Option<i64>, Option<i64>);

// === impl AuthConfig ===

impl AuthConfig {
    /// The keys in this database. Its tables are made, apart from the service's own migrations.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached, or the user may not make tables.
    pub async fn keys(
        &self,
        _crew: &Crew,
        database: &(impl Clone + Into<Database>),
    ) -> Result<ApiKeys, MigrationsError> {
        let database = database.clone().into();
        store::migrate(&database).await?;
        Ok(ApiKeys { inner: Arc::new(Inner { database, seen: Seen::new(self) }) })
    }
}

// === impl ApiKeys ===

impl ApiKeys {
    /// Makes a key. Whether its maker may hand on these scopes is for the caller to ask
    /// ([`Scopes::allow_all`]).
    pub async fn create(&self, new: NewKey) -> Result<MadeKey, Error> {
        let secret = Use::Key.generate();
        let key = ApiKey {
            id: Uuid::now_v7().to_string(),
            hint: secret.expose()[..10].to_owned(),
            subject: new.subject,
            name: new.name,
            scopes: new.scopes,
            created_at: clock::now(),
            expires_at: new.expires_at,
            revoked_at: None,
            last_used_at: None,
        };
        let (hash, scopes) = (opaque::hash(secret.expose()), key.scopes.to_string());
        let insert = statement(INSERT).bind(&key.id).bind(hash).bind(&key.hint).bind(&key.subject);
        let insert = insert.bind(&key.name).bind(scopes).bind(key.created_at).bind(key.expires_at);
        insert.execute(&self.inner.database).await?;
        Ok(MadeKey { key, secret })
    }

    /// Whose key this is; `None` for what is no key, unknown, revoked or expired.
    ///
    /// # Errors
    ///
    /// When the database does not answer: nobody is known then, and nobody is let through.
    pub async fn verify(&self, secret: &str) -> Result<Option<Principal>, Error> {
        if !Use::Key.is_well_formed(secret) {
            return Ok(None);
        }
        let hash = opaque::hash(secret);
        let since = match self.inner.seen.get(&hash) {
            Ok(who) => return Ok(Some(who)),
            Err(since) => since,
        };
        let now = clock::now();
        let find = statement(FIND).bind(&hash).bind(now);
        let found: Option<Found> = find.fetch_optional(self.inner.database.read()).await?;
        let Some((id, subject, scopes, expires_at, last_used_at)) = found else { return Ok(None) };
        self.used(&id, last_used_at, now);
        let scopes = scopes.parse().map_err(|error| Error::Decode(Box::new(error)))?;
        let who = Principal::new(subject, scopes, PrincipalKind::Key).with_credential(id);
        self.inner.seen.put(hash, &who, expires_at, since);
        Ok(Some(who))
    }

    /// The newest 1000 keys of somebody, or of all; revoked ones, too.
    pub async fn list(&self, subject: Option<&str>) -> Result<Vec<ApiKey>, Error> {
        let list = statement(LIST).bind(subject);
        let rows: Vec<Listed> = list.fetch_all(self.inner.database.read()).await?;
        rows.into_iter().map(ApiKey::try_from).collect()
    }

    /// Takes a key back: at once here, within `auth.cache` everywhere. `false` if there is no such key to be revoked.
    pub async fn revoke(&self, id: &str) -> Result<bool, Error> {
        self.take_back(id, None).await
    }

    /// As [`revoke`](Self::revoke), if the key is this subject's.
    pub async fn revoke_of(&self, subject: &str, id: &str) -> Result<bool, Error> {
        self.take_back(id, Some(subject)).await
    }

    /// Removes all keys of somebody, and every trace of them.
    pub async fn erase(&self, subject: &str) -> Result<u64, Error> {
        let erased = statement(ERASE).bind(subject).execute(&self.inner.database).await;
        self.inner.seen.clear();
        erased
    }

    async fn take_back(&self, id: &str, subject: Option<&str>) -> Result<bool, Error> {
        let revoke = statement(REVOKE).bind(id).bind(clock::now()).bind(subject);
        let revoked = revoke.execute(&self.inner.database).await;
        // Also when it failed: whether it took effect is not known then.
        self.inner.seen.clear();
        Ok(revoked? > 0)
    }

    /// Beside the request: nobody waits for a note, and none is written twice within a minute.
    fn used(&self, id: &str, last: Option<i64>, now: i64) {
        if last.is_some_and(|last| last > now - 60) {
            return;
        }
        let (database, id) = (self.inner.database.clone(), id.to_owned());
        tokio::spawn(async move {
            let noted = statement(USED).bind(&id).bind(now).execute(&database).await;
            if let Err(error) = noted {
                tracing::debug!(key.id = id, %error, "the use of a key was not noted");
            }
        });
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeys").field("database", &self.inner.database).finish_non_exhaustive()
    }
}

// === impl NewKey ===

impl NewKey {
    /// A key for somebody, by a name that tells its owner what it is for; without any scope, and good until it is
    /// revoked.
    pub fn new(subject: impl Into<String>, name: impl Into<String>) -> Self {
        Self { subject: subject.into(), name: name.into(), scopes: Scopes::none(), expires_at: None }
    }

    /// What it may.
    pub fn with_scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }

    /// From when it is not good any more, in seconds since 1970.
    pub fn with_expiry(mut self, at: i64) -> Self {
        self.expires_at = Some(at);
        self
    }
}

// === impl ApiKey ===

impl TryFrom<Listed> for ApiKey {
    type Error = Error;

    fn try_from(row: Listed) -> Result<Self, Error> {
        let (id, hint, subject, name, scopes, created_at, expires_at, revoked_at, last_used_at) = row;
        let scopes = scopes.parse().map_err(|error| Error::Decode(Box::new(error)))?;
        Ok(Self { id, hint, subject, name, scopes, created_at, expires_at, revoked_at, last_used_at })
    }
}
