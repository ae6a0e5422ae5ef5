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
/// On the type: `#[config(default_impl)]`, `#[config(validate = check)]`, `#[config(crate = "path")]`.
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
        Data::Union(data) => Err(Error::new_spanned(data.union_token, "a union cannot be read from text")),
    }
}
