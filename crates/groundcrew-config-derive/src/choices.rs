//! Enums without fields: a choice of names.

use quote::quote;
use syn::{DataEnum, DeriveInput, Error, Fields, Variant};

use crate::attributes::{self, OfType};
use crate::{docs, root};

pub(crate) fn expand(input: &DeriveInput, data: &DataEnum) -> syn::Result<proc_macro2::TokenStream> {
    let root = OfType::parse(&input.attrs)?.root.map_or_else(root::path, |path| quote!(#path));
    let ident = &input.ident;
    if data.variants.is_empty() {
        return Err(Error::new_spanned(ident, "a choice needs at least one variant"));
    }
    let names = data.variants.iter().map(name).collect::<syn::Result<Vec<String>>>()?;
    let docs = data.variants.iter().map(|variant| docs::text(&variant.attrs));
    let variants: Vec<_> = data.variants.iter().map(|variant| &variant.ident).collect();
    let indices = 0..variants.len();
    Ok(quote! {
        impl #root::FromConfig for #ident {
            fn shape() -> #root::Shape {
                #root::Shape::choices([#((#names, #docs)),*])
            }

            fn from_config(node: &#root::Node<'_>) -> ::core::option::Option<Self> {
                match node.choice(&[#(#names),*])? {
                    #(#indices => ::core::option::Option::Some(Self::#variants),)*
                    _ => ::core::option::Option::None,
                }
            }

            fn to_text(&self) -> ::core::option::Option<::std::string::String> {
                ::core::option::Option::Some(::std::string::String::from(match self {
                    #(Self::#variants => #names,)*
                }))
            }
        }
    })
}

fn name(variant: &Variant) -> syn::Result<String> {
    if !matches!(variant.fields, Fields::Unit) {
        let words = "a choice has variants without fields; use an optional section for each alternative";
        return Err(Error::new_spanned(&variant.fields, words));
    }
    let given = attributes::of_variant(&variant.attrs)?;
    Ok(given.map_or_else(|| kebab(&variant.ident.to_string()), |name| name.value()))
}

/// `HalfOpen` → `half-open`.
fn kebab(name: &str) -> String {
    let mut text = String::new();
    for (index, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && index > 0 {
            text.push('-');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::kebab;

    #[test]
    fn variants_become_names_in_kebab_case() {
        assert_eq!(kebab("Info"), "info");
        assert_eq!(kebab("HalfOpen"), "half-open");
    }
}
