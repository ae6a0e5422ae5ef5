//! What stands in `#[config(…)]`.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::meta::ParseNestedMeta;
use syn::parse::ParseStream;
use syn::{Attribute, Error, Lit, LitStr, Path, Token};

/// On the type.
#[derive(Default)]
pub(crate) struct OfType {
    pub(crate) default_impl: bool,
    pub(crate) validate: Option<Path>,
    pub(crate) validate_in: Option<Path>,
    pub(crate) root: Option<Path>,
}

/// On a field.
#[derive(Default)]
pub(crate) struct OfField {
    pub(crate) default: Option<DefaultValue>,
    pub(crate) aliases: Vec<LitStr>,
    pub(crate) secret: bool,
    pub(crate) range: Option<TokenStream>,
    pub(crate) unit: Option<LitStr>,
    pub(crate) name: Option<LitStr>,
}

pub(crate) enum DefaultValue {
    /// `default`: the type's own.
    OfType(Span),
    /// `default = "text"`: what the field's type makes of the text.
    Text(LitStr),
    /// `default = expression`, of the field's type.
    Expression(TokenStream),
}

// === impl OfType ===

impl OfType {
    pub(crate) fn parse(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut this = Self::default();
        each(attributes, |meta| {
            match meta.path.get_ident().map(ToString::to_string).as_deref() {
                Some("default_impl") => this.default_impl = true,
                Some("validate") => this.validate = Some(meta.value()?.parse()?),
                Some("validate_in") => this.validate_in = Some(meta.value()?.parse()?),
                Some("crate") => this.root = Some(meta.value()?.parse::<LitStr>()?.parse()?),
                _ => {
                    return Err(meta.error(
                        "expected `default_impl`, `validate = function`, `validate_in = function` or `crate = \
                         \"path\"`",
                    ));
                }
            }
            Ok(())
        })?;
        Ok(this)
    }
}

// === impl OfField ===

impl OfField {
    pub(crate) fn parse(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut this = Self::default();
        each(attributes, |meta| this.take(&meta))?;
        Ok(this)
    }

    fn take(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        match meta.path.get_ident().map(ToString::to_string).as_deref() {
            Some("default") if self.default.is_some() => return Err(meta.error("a key has one default")),
            Some("default") => self.default = Some(default(meta)?),
            Some("alias") => self.aliases.push(alias(meta.value()?.parse()?)?),
            Some("secret") => self.secret = true,
            Some("range") => self.range = Some(expression(meta.value()?)?),
            Some("unit") => self.unit = Some(meta.value()?.parse()?),
            Some("name") => self.name = Some(name(meta.value()?.parse()?)?),
            _ => {
                let known = "`default`, `alias`, `secret`, `range`, `unit` or `name`";
                return Err(meta.error(format!("expected {known}")));
            }
        }
        Ok(())
    }
}

/// The name that a variant is given.
pub(crate) fn of_variant(attributes: &[Attribute]) -> syn::Result<Option<LitStr>> {
    let mut name = None;
    each(attributes, |meta| {
        if !meta.path.is_ident("name") {
            return Err(meta.error("expected `name = \"…\"`"));
        }
        name = Some(meta.value()?.parse()?);
        Ok(())
    })?;
    Ok(name)
}

fn each(
    attributes: &[Attribute],
    mut take: impl FnMut(ParseNestedMeta<'_>) -> syn::Result<()>,
) -> syn::Result<()> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("config"))
        .try_for_each(|attribute| attribute.parse_nested_meta(&mut take))
}

fn default(meta: &ParseNestedMeta<'_>) -> syn::Result<DefaultValue> {
    if !meta.input.peek(Token![=]) {
        return Ok(DefaultValue::OfType(meta.path.segments[0].ident.span()));
    }
    let tokens = expression(meta.value()?)?;
    Ok(match syn::parse2::<Lit>(tokens.clone()) {
        Ok(Lit::Str(text)) => DefaultValue::Text(text),
        _ => DefaultValue::Expression(tokens),
    })
}

/// Everything up to the next comma: an expression, ranges included, for the compiler to judge.
fn expression(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut tokens = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        tokens.extend([input.parse::<TokenTree>()?]);
    }
    if tokens.is_empty() { Err(input.error("expected an expression")) } else { Ok(tokens) }
}

fn alias(alias: LitStr) -> syn::Result<LitStr> {
    let text = alias.value();
    if text.is_empty() || text.contains(['=', '\0']) {
        return Err(Error::new(alias.span(), "expected the name of a variable, such as `DATABASE_URL`"));
    }
    if text.matches('*').count() > 1 {
        return Err(Error::new(alias.span(), "expected one `*` at most: it stands for a name of the user's"));
    }
    Ok(alias)
}

fn name(name: LitStr) -> syn::Result<LitStr> {
    let text = name.value();
    let plain = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c));
    if text.is_empty() || !plain || text.contains("__") {
        let words = "expected a key of lower-case letters, digits, `-` and single `_`";
        return Err(Error::new(name.span(), words));
    }
    Ok(name)
}
