//! Finds a subscriber in a payload that nobody has described: by the names that senders give to the fields of a person.
//!
//! The first address wins: objects are looked through from the outside in, those next to each other in the order of
//! [`CONTAINERS`], and in each of them the names in the order of [`EMAIL`]. The other fields are taken from the object in which
//! the address stands, or else from those inside it. What has the name of a field but not its form is passed over, so nothing
//! here is ever a warning.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::{Found, Target};
use crate::email::Email;
use crate::subscriber::TextField;
use crate::text;

/// How deep addresses are looked for: as deep as senders put them (`data.object.customer.email`).
const MAX_DEPTH: usize = 4;
/// How many objects are looked through.
const MAX_GROUPS: usize = 64;
/// How many members of an object, or answers of a list, are looked at: forms have less.
const MAX_FIELDS: usize = 300;
/// How many characters of a name count: longer ones are questions, not names.
const MAX_NAME_CHARS: usize = 40;

/// Names of addresses, without case, spaces and signs: `E-Mail Address` is `emailaddress`. The first one wins.
const EMAIL: &[&str] = &[
    "email",
    "emailaddress",
    "youremail",
    "subscriberemail",
    "contactemail",
    "customeremail",
    "useremail",
    "memberemail",
    "personemail",
    "recipientemail",
    "primaryemail",
    "billingemail",
    "workemail",
    "businessemail",
    "inputemail",
    "mail",
    "emails",
    "correo",
    "correoelectronico",
    "courriel",
    "adresseemail",
    "indirizzoemail",
];
const FIRST_NAME: &[&str] = &[
    "firstname",
    "fname",
    "givenname",
    "forename",
    "yourfirstname",
    "billingfirstname",
    "first",
    "nome",
    "vorname",
    "prénom",
];
const LAST_NAME: &[&str] = &[
    "lastname",
    "lname",
    "familyname",
    "surname",
    "yourlastname",
    "billinglastname",
    "last",
    "cognome",
    "nachname",
];
const NAME: &[&str] =
    &["fullname", "name", "yourname", "contactname", "customername", "displayname", "realname"];
const PHONE: &[&str] = &[
    "phone",
    "phonenumber",
    "yourphone",
    "telephone",
    "tel",
    "yourtel",
    "mobile",
    "mobilephone",
    "mobilenumber",
    "cellphone",
    "billingphone",
    "inputphonenumber",
    "telefono",
    "cellulare",
];
const COMPANY: &[&str] = &[
    "company",
    "companyname",
    "organization",
    "organisation",
    "organizationname",
    "organisationname",
    "yourcompany",
    "business",
    "businessname",
    "billingcompany",
    "azienda",
    "società",
];
/// Names of objects and lists in which senders put people, in the same form. The first one wins.
const CONTAINERS: &[&str] = &[
    "data",
    "payload",
    "body",
    "record",
    "object",
    "resource",
    "formresponse",
    "response",
    "submission",
    "contact",
    "customer",
    "subscriber",
    "user",
    "person",
    "lead",
    "member",
    "profile",
    "recipient",
    "attributes",
    "properties",
    "mergefields",
    "merges",
    "fields",
    "formfields",
    "formdata",
    "fielddata",
    "answers",
    "hidden",
    "billing",
    "billingaddress",
    "defaultaddress",
];
/// Where an answer in a list, or a field with more than a value, has its names, and where its value. The first one that is
/// there wins.
const LABELS: &[&str] = &["key", "name", "label", "title", "ref", "id", "type"];
const VALUES: &[&str] = &["value", "values", "answer", "email", "phone_number", "text"];

/// The fields of the person that a payload is about: the address first. Empty if there is no address.
pub fn recognise(record: &Value) -> Vec<Found<'_>> {
    let groups = groups(record);
    let address = groups.iter().enumerate().find_map(|(at, group)| Some((at, group.find(EMAIL, is_email)?)));
    let Some((at, email)) = address else { return Vec::new() };
    let (path, email) = (&groups[at].path, email.found(Target::Email));
    let near: Vec<&Group<'_>> = std::iter::once(&groups[at])
        .chain(groups[at + 1..].iter().filter(|group| group.is_in(path)))
        .collect();
    let first_of = |names: &[&str], fits: fn(&Value) -> bool, to: Target| {
        near.iter().find_map(|group| group.find(names, fits)).map(|field| field.found(to))
    };
    let text = |names: &[&str], field: TextField| first_of(names, is_line, Target::Text(field));
    let (first, last) = (text(FIRST_NAME, TextField::FirstName), text(LAST_NAME, TextField::LastName));
    let whole = if first.is_none() && last.is_none() { first_of(NAME, is_name, Target::Name) } else { None };
    let rest = [first, last, whole, text(PHONE, TextField::Phone), text(COMPANY, TextField::Company)];
    std::iter::once(email).chain(rest.into_iter().flatten()).collect()
}

/// The field that a column of this name most likely holds, by the same names.
pub fn recognise_column(name: &str) -> Option<Target> {
    let fields = [
        (EMAIL, Target::Email),
        (FIRST_NAME, Target::Text(TextField::FirstName)),
        (LAST_NAME, Target::Text(TextField::LastName)),
        (NAME, Target::Name),
        (PHONE, Target::Text(TextField::Phone)),
        (COMPANY, Target::Text(TextField::Company)),
        (&["source", "subscriptionsource"], Target::Text(TextField::Source)),
        (&["status"], Target::Status),
    ];
    let name = normal(name);
    fields.into_iter().find(|(names, _)| names.contains(&name.as_str())).map(|(_, target)| target)
}

/// The fields of one object or list.
struct Group<'a> {
    path: String,
    fields: Vec<Field<'a>>,
}

struct Field<'a> {
    names: Vec<String>,
    path: String,
    value: &'a Value,
}

impl<'a> Group<'a> {
    fn find(&self, names: &[&str], fits: fn(&Value) -> bool) -> Option<&Field<'a>> {
        let named = |field: &&Field<'a>, name: &str| field.names.iter().any(|own| own == name);
        names.iter().find_map(|name| self.fields.iter().find(|field| named(field, name) && fits(field.value)))
    }

    fn is_in(&self, path: &str) -> bool {
        path.is_empty() || self.path.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', '[']))
    }
}

impl<'a> Field<'a> {
    fn found(&self, to: Target) -> Found<'a> {
        Found { to, from: self.path.clone(), value: self.value }
    }
}

/// The objects and lists in which a person may be, from the outside in.
fn groups(record: &Value) -> Vec<Group<'_>> {
    let mut groups = Vec::new();
    let mut waiting = VecDeque::from([(String::new(), record, 0)]);
    while let Some((path, value, depth)) = waiting.pop_front() {
        if groups.len() == MAX_GROUPS {
            break;
        }
        if depth < MAX_DEPTH {
            waiting.extend(inner(&path, value).into_iter().map(|(path, value)| (path, value, depth + 1)));
        }
        let fields = match value {
            Value::Object(members) => members
                .iter()
                .take(MAX_FIELDS)
                .filter_map(|(name, value)| field(name, join(&path, name), value))
                .collect(),
            Value::Array(items) => items
                .iter()
                .take(MAX_FIELDS)
                .enumerate()
                .filter_map(|(position, item)| field("", format!("{path}[{position}]"), item))
                .collect(),
            _ => continue,
        };
        groups.push(Group { path, fields });
    }
    groups
}

/// What of an object or list may hold a person. Of a list it is the first, if that is no answer.
fn inner<'a>(path: &str, value: &'a Value) -> Vec<(String, &'a Value)> {
    match value {
        Value::Object(members) => {
            let known = |(name, value): (&String, &'a Value)| {
                let name_of = normal(name);
                let place = CONTAINERS.iter().position(|container| *container == name_of)?;
                (value.is_object() || value.is_array()).then(|| (place, join(path, name), value))
            };
            let mut found: Vec<_> = members.iter().take(MAX_FIELDS).filter_map(known).collect();
            found.sort_by_key(|(place, ..)| *place);
            found.into_iter().map(|(_, path, value)| (path, value)).collect()
        }
        Value::Array(items) => items.first().map(|first| (format!("{path}[0]"), first)).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// A field: a value, the first of several, or an object that names itself and has a value.
fn field<'a>(name: &str, path: String, value: &'a Value) -> Option<Field<'a>> {
    let mut names = vec![normal(name)];
    let (path, value) = match value {
        Value::Object(members) => {
            names.extend(labels(members));
            let (member, inside) = VALUES
                .iter()
                .find_map(|name| Some((name, members.get(*name).filter(|value| !value.is_null())?)))?;
            (format!("{path}.{member}"), inside)
        }
        _ => (path, value),
    };
    match value {
        Value::Array(items) => Some(Field { names, path: format!("{path}[0]"), value: items.first()? }),
        Value::Object(_) | Value::Null => None,
        _ => Some(Field { names, path, value }),
    }
}

fn labels(members: &Map<String, Value>) -> impl Iterator<Item = String> {
    LABELS.iter().filter_map(|label| members.get(*label)?.as_str()).map(normal)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// A name without case, spaces and signs.
fn normal(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
    letters.take(MAX_NAME_CHARS + 1).collect()
}

fn is_email(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<Email>().is_ok())
}

fn is_line(value: &Value) -> bool {
    match value {
        Value::String(text) => matches!(text::line(text), Ok(Some(_))),
        Value::Number(_) => true,
        _ => false,
    }
}

/// A form, a product and an order have names, too; most of theirs have digits or signs in them.
fn is_name(value: &Value) -> bool {
    let is_sign = |c: char| c.is_numeric() || matches!(c, '#' | '@' | '/' | ':' | '_');
    is_line(value) && value.as_str().is_some_and(|text| !text.contains(is_sign))
}

#[cfg(test)]
#[path = "recognise_tests.rs"]
mod tests;
