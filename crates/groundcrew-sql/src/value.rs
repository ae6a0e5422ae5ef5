use std::borrow::Cow;

use sqlx::{Arguments, Database, Encode, Error, Type};

/// What can be bound to a [`Statement`](crate::Statement): numbers (`i64` and smaller ones, `f64`), `bool`, text and
/// bytes, borrowed or owned, and options of them, which are NULL where they are `None`.
///
/// Postgres takes an unsigned number for the next larger signed one, which is a `bigint` at most.
pub trait Bind<'q>: IntoValue<'q> {}

/// One argument. What is `None` keeps its type, which Postgres prepares the statement for.
#[derive(Clone)]
pub enum Value<'q> {
    Bool(Option<bool>),
    Int(Option<i32>),
    BigInt(Option<i64>),
    Double(Option<f64>),
    Text(Option<Cow<'q, str>>),
    Bytes(Option<Cow<'q, [u8]>>),
}

/// Without a name outside of this crate: nobody else can say how a value is bound.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be bound to a statement for either database",
    note = "bind an `i64`, `i32`, `f64`, `bool`, text, bytes or an `Option` of them: a time as its milliseconds, an id as its text"
)]
pub trait IntoValue<'q>: Sized {
    fn into_value(this: Option<Self>) -> Value<'q>;
}

/// The arguments as a database takes them.
pub(crate) fn arguments<DB: Database>(values: Vec<Value<'_>>) -> Result<DB::Arguments, Error>
where
    Option<bool>: for<'t> Encode<'t, DB> + Type<DB>,
    Option<i32>: for<'t> Encode<'t, DB> + Type<DB>,
    Option<i64>: for<'t> Encode<'t, DB> + Type<DB>,
    Option<f64>: for<'t> Encode<'t, DB> + Type<DB>,
    for<'t> Option<Cow<'t, str>>: Encode<'t, DB> + Type<DB>,
    for<'t> Option<Cow<'t, [u8]>>: Encode<'t, DB> + Type<DB>,
{
    let mut arguments = DB::Arguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        let added = match value {
            Value::Bool(value) => arguments.add(value),
            Value::Int(value) => arguments.add(value),
            Value::BigInt(value) => arguments.add(value),
            Value::Double(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
        };
        added.map_err(Error::Encode)?;
    }
    Ok(arguments)
}

// === impl Bind ===

impl<'q, T: IntoValue<'q>> Bind<'q> for T {}

// === impl IntoValue ===

impl<'q> IntoValue<'q> for bool {
    fn into_value(this: Option<Self>) -> Value<'q> {
        Value::Bool(this)
    }
}

impl<'q> IntoValue<'q> for i16 {
    fn into_value(this: Option<Self>) -> Value<'q> {
        Value::Int(this.map(i32::from))
    }
}

impl<'q> IntoValue<'q> for i32 {
    fn into_value(this: Option<Self>) -> Value<'q> {
        Value::Int(this)
    }
}

impl<'q> IntoValue<'q> for i64 {
    fn into_value(this: Option<Self>) -> Value<'q> {
        Value::BigInt(this)
    }
}

impl<'q> IntoValue<'q> for u16 {
    fn into_value(this: Option<Self>) -> Value<'q> {
        Value::BigInt(this.map(i64::from))
    }
}

impl<'q> IntoValue<'q> for u32 {
    fn into_value(this: Option<Self>) -> Value<'q> {
        Value::BigInt(this.map(i64::from))
    }
}

impl<'q> IntoValue<'q> for f64 {
    fn into_value(this: Option<Self>) -> Value<'q> {
        Value::Double(this)
    }
}

impl<'q> IntoValue<'q> for &'q str {
    fn into_value(this: Option<Self>) -> Value<'q> {
        Value::Text(this.map(Cow::Borrowed))
    }
}

impl<'q> IntoValue<'q> for String {
    fn into_value(this: Option<Self>) -> Value<'q> {
        Value::Text(this.map(Cow::Owned))
    }
}

impl<'q> IntoValue<'q> for &'q String {
    fn into_value(this: Option<Self>) -> Value<'q> {
        Value::Text(this.map(|text| Cow::Borrowed(text.as_str())))
    }
}

impl<'q> IntoValue<'q> for Cow<'q, str> {
    fn into_value(this: Option<Self>) -> Value<'q> {
        Value::Text(this)
    }
}

impl<'q> IntoValue<'q> for &'q [u8] {
    fn into_value(this: Option<Self>) -> Value<'q> {
        Value::Bytes(this.map(Cow::Borrowed))
    }
}

impl<'q> IntoValue<'q> for Vec<u8> {
    fn into_value(this: Option<Self>) -> Value<'q> {
        Value::Bytes(this.map(Cow::Owned))
    }
}

impl<'q> IntoValue<'q> for &'q Vec<u8> {
    fn into_value(this: Option<Self>) -> Value<'q> {
        Value::Bytes(this.map(|bytes| Cow::Borrowed(bytes.as_slice())))
    }
}

impl<'q, T: IntoValue<'q>> IntoValue<'q> for Option<T> {
    fn into_value(this: Option<Self>) -> Value<'q> {
        T::into_value(this.flatten())
    }
}

impl<'q, T> IntoValue<'q> for &'q Option<T>
where
    &'q T: IntoValue<'q>,
{
    fn into_value(this: Option<Self>) -> Value<'q> {
        IntoValue::into_value(this.and_then(Option::as_ref))
    }
}
