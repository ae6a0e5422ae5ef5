#![doc = include_str!("../README.md")]

mod attributes;
mod choices;
mod docs;
mod root;
mod section;

use proc_macro::TokenStream;
use syn::{Data, DeriveInput, Error, parse_macro_input};

/// Reads a struct as a section of the configuration, or an enum without fields as a choice of names.
///
/// On the type: `#[config(default_impl)]`, `#[config(validate = check)]` with `fn check(&Self) -> Result<(), impl
/// Display>`, `#[config(validate_in = check)]` with `fn check(&Self, Environment) -> Result<(), impl Display>` for what
/// is right in one environment and wrong in another, `#[config(crate = "path")]`.
/// On a field: `default = …`, `default`, `alias = "NAME"`, `secret`, `range = …`, `unit = "…"`, `name = "…"`.
/// On a variant: `name = "…"`.
#[proc_macro_derive(FromConfig, attributes(config))]
pub fn derive_from_config(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(input: &DeriveInput) -> syn::Result<proc_macro2::TokenStream> {
    if let Some(parameter) = input.generics.params.first() {
        let words = "a section cannot be generic: the reference needs one shape for each key";
        return Err(Error::new_spanned(parameter, words));
    }
    match &input.data {
        Data::Struct(data) => section::expand(input, data),
        Data::Enum(data) => choices::expand(input, data),
        Data::Union(_) => Err(Error::new_spanned(&input.ident, "a union cannot be read from text")),
    }
}

#[cfg(test)]
mod tests {
    use super::expand;

    fn error_of(code: &str) -> String {
        let input = syn::parse_str(code).expect("Rust");
        expand(&input).expect_err("must be refused").to_string()
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_a_reason() {
        for (code, reason) in [
            ("struct A<T> { a: T }", "a section cannot be generic"),
            ("struct A(u8);", "a section has named fields"),
            ("enum A { B(u8) }", "variants without fields"),
            ("enum A {}", "at least one variant"),
            ("union A { a: u8 }", "a union"),
        ] {
            assert!(error_of(code).contains(reason), "{code}: {}", error_of(code));
        }
    }

    #[test]
    fn an_attribute_that_does_not_exist_is_answered_with_those_that_do() {
        let known = "expected `default`, `alias`, `secret`, `range`, `unit` or `name`";
        assert_eq!(error_of("struct A { #[config(defualt = 1)] a: u8 }"), known);
        assert!(error_of("#[config(colour)] struct A { a: u8 }").contains("default_impl"));
        assert!(error_of("struct A { #[config(name = \"Not A Key\")] a: u8 }").contains("lower-case"));
        assert!(error_of("struct A { #[config(default = )] a: u8 }").contains("an expression"));
    }

    #[test]
    fn two_fields_cannot_have_one_key() {
        assert_eq!(error_of("struct A { a: u8, #[config(name = \"a\")] b: u8 }"), "a second key `a`");
    }
}
