//! Structs with named fields: a section of keys.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{DataStruct, DeriveInput, Error, Fields, GenericArgument, Ident, PathArguments, Type};

use crate::attributes::{DefaultValue, OfField, OfType};
use crate::{docs, root};

struct Key<'a> {
    ident: &'a Ident,
    ty: &'a Type,
    name: String,
    doc: String,
    attributes: OfField,
}

pub(crate) fn expand(input: &DeriveInput, data: &DataStruct) -> syn::Result<TokenStream> {
    let of_type = OfType::parse(&input.attrs)?;
    let keys = keys(data)?;
    let root = of_type.root.as_ref().map_or_else(root::path, ToTokens::to_token_stream);
    let ident = &input.ident;
    let doc = docs::text(&input.attrs);
    let shapes = keys.iter().map(|key| key.shape(&root));
    let reads = keys.iter().map(Key::read);
    let checks = keys.iter().filter_map(Key::check);
    let idents: Vec<_> = keys.iter().map(|key| key.ident).collect();
    let anywhere = of_type.validate.iter().map(|function| quote!(#function(&value)));
    let here = of_type.validate_in.iter();
    let here = here.map(|function| quote!(#function(&value, node.surroundings().environment)));
    let verdicts = anywhere.chain(here).map(|verdict| {
        quote! {
            if !section.verdict(#verdict.map_err(|error| ::std::string::ToString::to_string(&error))) {
                return ::core::option::Option::None;
            }
        }
    });
    let default = of_type.default_impl.then(|| {
        quote! {
            impl ::core::default::Default for #ident {
                fn default() -> Self {
                    #root::__private::default_or_panic()
                }
            }
        }
    });
    Ok(quote! {
        impl #root::FromConfig for #ident {
            fn shape() -> #root::Shape {
                #root::Shape::section::<Self>(#doc, ::std::vec![#(#shapes),*])
            }

            fn from_config(node: &#root::Node<'_>) -> ::core::option::Option<Self> {
                let section = #root::Section::of::<Self>(node)?;
                // Every key is read before the first failure counts, so that all problems are reported.
                #(#reads)*
                let mut right = true;
                #(#checks)*
                let value = Self { #(#idents: #idents?),* };
                if !right {
                    return ::core::option::Option::None;
                }
                #(#verdicts)*
                ::core::option::Option::Some(value)
            }
        }

        #default
    })
}

fn keys(data: &DataStruct) -> syn::Result<Vec<Key<'_>>> {
    let Fields::Named(fields) = &data.fields else {
        let words = "a section has named fields; implement `FromConfig` by hand for a value of your own";
        return Err(Error::new_spanned(&data.fields, words));
    };
    let mut keys: Vec<Key<'_>> = Vec::new();
    let mut errors: Option<Error> = None;
    for field in &fields.named {
        let Some(ident) = &field.ident else { continue };
        match OfField::parse(&field.attrs) {
            Ok(attributes) => {
                let plain = ident.to_string().trim_start_matches("r#").to_owned();
                let name = attributes.name.as_ref().map_or(plain, syn::LitStr::value);
                if keys.iter().any(|key| key.name == name) {
                    return Err(Error::new_spanned(field, format!("a second key `{name}`")));
                }
                keys.push(Key { ident, ty: &field.ty, name, doc: docs::text(&field.attrs), attributes });
            }
            Err(error) => match &mut errors {
                Some(errors) => errors.combine(error),
                None => errors = Some(error),
            },
        }
    }
    errors.map_or(Ok(keys), Err)
}

// === impl Key ===

impl Key<'_> {
    /// The `Field` of the section's shape.
    fn shape(&self, root: &TokenStream) -> TokenStream {
        let Self { ty, name, doc, attributes, .. } = self;
        let aliases = attributes.aliases.iter().map(|alias| quote!(.alias(#alias)));
        let secret = attributes.secret.then(|| quote!(.secret()));
        let unit = attributes.unit.as_ref().map(|unit| quote!(.unit(#unit)));
        let bound = bound(ty);
        let range = attributes
            .range
            .as_ref()
            .map(|range| quote!(.range(#root::__private::range_words::<#bound>(&(#range)))));
        let default = attributes.default.as_ref().map(|default| match default {
            DefaultValue::Text(text) => {
                quote!(.default(::core::option::Option::Some(::std::string::String::from(#text))))
            }
            typed => {
                let value = typed.expression(ty);
                quote!(.default({
                    let value: #ty = #value;
                    <#ty as #root::FromConfig>::to_text(&value)
                }))
            }
        });
        quote! {
            #root::Field::new(#name, <#ty as #root::FromConfig>::shape())
                .doc(#doc) #(#aliases)* #secret #unit #range #default
        }
    }

    /// The statement that reads the key.
    fn read(&self) -> TokenStream {
        let Self { ident, ty, name, attributes, .. } = self;
        let read = match &attributes.default {
            None => quote!(section.field::<#ty>(#name)),
            Some(DefaultValue::Text(text)) => quote!(section.field_or_text::<#ty>(#name, #text)),
            Some(typed) => {
                let value = typed.expression(ty);
                quote!(section.field_or::<#ty>(#name, || #value))
            }
        };
        quote!(let #ident = #read;)
    }

    /// The statement that checks the range.
    fn check(&self) -> Option<TokenStream> {
        let Self { ident, ty, name, attributes, .. } = self;
        let range = attributes.range.as_ref()?;
        let bound = bound(ty);
        let value = if option_of(ty).is_some() {
            quote!(#ident.as_ref().and_then(::core::option::Option::as_ref))
        } else {
            quote!(#ident.as_ref())
        };
        let sourced = sourced_of(option_of(ty).unwrap_or(ty)).is_some();
        let value = if sourced { quote!(#value.map(::core::ops::Deref::deref)) } else { value };
        Some(quote!(right &= section.within::<#bound>(#name, #value, &(#range));))
    }
}

// === impl DefaultValue ===

impl DefaultValue {
    fn expression(&self, ty: &Type) -> TokenStream {
        match self {
            Self::OfType(span) => quote::quote_spanned!(*span=> <#ty as ::core::default::Default>::default()),
            Self::Text(text) => quote!(#text),
            Self::Expression(tokens) => tokens.clone(),
        }
    }
}

/// The type whose values a range bounds.
fn bound(ty: &Type) -> &Type {
    let ty = option_of(ty).unwrap_or(ty);
    sourced_of(ty).unwrap_or(ty)
}

/// `T` of `Option<T>`.
fn option_of(ty: &Type) -> Option<&Type> {
    argument_of(ty, "Option")
}

/// `T` of `Sourced<T>`.
fn sourced_of(ty: &Type) -> Option<&Type> {
    argument_of(ty, "Sourced")
}

fn argument_of<'t>(ty: &'t Type, name: &str) -> Option<&'t Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(inner)) => Some(inner),
        _ => None,
    }
}
