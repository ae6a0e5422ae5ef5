/// The addresses of who signs people in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    authorize: String,
    token: String,
    userinfo: Option<String>,
    scopes: String,
}

// === impl Provider ===

impl Provider {
    /// Where the browser is sent, and where codes are taken for tokens.
    pub fn new(authorize: impl Into<String>, token: impl Into<String>) -> Self {
        Self { authorize: authorize.into(), token: token.into(), userinfo: None, scopes: String::new() }
    }

    /// Where it says who somebody is.
    pub fn with_userinfo(mut self, url: impl Into<String>) -> Self {
        self.userinfo = Some(url.into());
        self
    }

    /// What people are asked to allow, with spaces between.
    pub fn with_scopes(mut self, scopes: impl Into<String>) -> Self {
        self.scopes = scopes.into();
        self
    }

    pub(super) fn authorize(&self) -> &str {
        &self.authorize
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn userinfo(&self) -> Option<&str> {
        self.userinfo.as_deref()
    }

    pub(super) fn scopes(&self) -> &str {
        &self.scopes
    }
}
