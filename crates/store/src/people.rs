//! Subscribers as they are looked up and listed.

use domain::{Email, ListId, Named, Status, Subscriber, SubscriberId};

use crate::error::StoreError;
use crate::filter::{Conditions, pattern};
use crate::params;
use crate::subscribers::{COLUMNS, read};
use crate::tx::{Tx, Value, Work};

/// Looks up a subscriber.
pub struct GetSubscriber {
    /// Which.
    pub id: SubscriberId,
}

impl Work for GetSubscriber {
    type Output = Option<Subscriber>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<Subscriber>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM subscribers s WHERE s.id = ?1");
        let rows = tx.query(&sql, params![self.id.0]).await?;
        Ok(read(rows)?.pop())
    }
}

/// Looks up the subscriber whom an event names.
pub struct GetNamed {
    /// Whom.
    pub named: Named,
}

impl Work for GetNamed {
    type Output = Option<Subscriber>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<Subscriber>, StoreError> {
        let (column, value) = match &self.named {
            Named::Id(id) => ("s.id", Value::from(id.0)),
            Named::Email(email) => ("s.email", Value::from(email.as_str())),
        };
        let sql = format!("SELECT {COLUMNS} FROM subscribers s WHERE {column} = ?1");
        Ok(read(tx.query(&sql, vec![value]).await?)?.pop())
    }
}

/// Which subscribers are wanted.
#[derive(Clone, Debug, Default)]
pub struct SubscriberFilter {
    /// The one of this address.
    pub email: Option<Email>,
    /// Those of this status.
    pub status: Option<Status>,
    /// Those on this list, whatever their status there.
    pub list: Option<ListId>,
    /// Those with this tag.
    pub tag: Option<String>,
    /// Those with a custom field, of this value if one is given.
    pub custom_field: Option<(String, Option<String>)>,
    /// Those whose address or name contains this text. The case of letters does not matter; SQLite knows it of ASCII letters
    /// only.
    pub contains: Option<String>,
}

/// Lists subscribers, the newest first.
pub struct ListSubscribers {
    /// Which.
    pub filter: SubscriberFilter,
    /// Only those older than this one: the last of the page before.
    pub before: Option<SubscriberId>,
    /// The most to return.
    pub limit: usize,
}

impl Work for ListSubscribers {
    type Output = Vec<Subscriber>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<Subscriber>, StoreError> {
        let filter = &self.filter;
        let mut conditions = Conditions::default();
        // Where there is a list or a tag, its index leads, so that few members of many subscribers are found at once.
        let (from, id) = match (&filter.tag, filter.list) {
            (Some(_), _) => {
                ("subscriber_tags t JOIN subscribers s ON s.id = t.subscriber_id", "t.subscriber_id")
            }
            (None, Some(_)) => {
                ("list_members m JOIN subscribers s ON s.id = m.subscriber_id", "m.subscriber_id")
            }
            (None, None) => ("subscribers s", "s.id"),
        };
        match (&filter.tag, filter.list) {
            (Some(tag), list) => {
                conditions.on("t.tag = ?", tag.clone());
                let on_list = "EXISTS (SELECT 1 FROM list_members m WHERE m.subscriber_id = t.subscriber_id AND m.list_id = ?)";
                conditions.on_some(on_list, list.map(|list| list.0));
            }
            (None, list) => conditions.on_some("m.list_id = ?", list.map(|list| list.0)),
        }
        conditions.on_some(&format!("{id} < ?"), self.before.map(|before| before.0));
        conditions.on_some("s.email = ?", filter.email.as_ref().map(|email| email.as_str().to_owned()));
        if let Some(status) = filter.status {
            conditions.on("s.status = ?", status.as_str());
            if status != Status::Subscribed {
                // These are few, and have an index of their own.
                conditions.fixed("s.status <> 'subscribed'");
            }
        }
        let name = "COALESCE(s.first_name, '') || ' ' || COALESCE(s.last_name, '')";
        conditions.on_part(&["s.email", name], filter.contains.as_deref());
        if let Some((name, value)) = &filter.custom_field {
            with_custom_field(&mut conditions, name, value.as_deref());
        }
        let (sql, params) =
            conditions.query(&format!("SELECT {COLUMNS} FROM {from}"), &format!("{id} DESC"), self.limit);
        read(tx.query(&sql, params).await?)
    }
}

/// Adds that a custom field has a value, or this one: as a text in any case, or as one of several.
fn with_custom_field(conditions: &mut Conditions, name: &str, value: Option<&str>) {
    // No text of PostgreSQL holds what \u0000 stands for, and taking it out is an error.
    let name = conditions.place(name.to_owned());
    let own = format!(
        "/*pg: CASE WHEN strpos(s.custom_fields, '\\u0000') = 0 THEN CAST(s.custom_fields AS JSON) ->> CAST({name} AS TEXT) END */ \
         /*sqlite: CASE json_type(s.custom_fields, '$.\"' || {name} || '\"') WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' \
         ELSE CAST(json_extract(s.custom_fields, '$.\"' || {name} || '\"') AS TEXT) END */"
    );
    let Some(value) = value else { return conditions.fixed(&format!("{own} IS NOT NULL")) };
    let one_of = pattern(&serde_json::Value::from(value).to_string());
    let (value, one_of) = (conditions.place(value.to_owned()), conditions.place(one_of));
    conditions.fixed(&format!(
        "(LOWER({own}) = LOWER(CAST({value} AS TEXT)) OR ({own} LIKE '[%' AND \
         LOWER({own}) LIKE LOWER(CAST({one_of} AS TEXT)) ESCAPE '\\'))"
    ));
}
