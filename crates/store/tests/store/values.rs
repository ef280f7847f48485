//! Values come back as they went in, one by one and in batches.

use store::{Rows, StoreError, Tx, Value, Work, params};

use crate::support::{Database, Look};

conformance!(texts, numbers, bytes, nothing, batches, arrays, the_wrong_kind_is_told, panics_are_defects,);

fn hard_texts() -> Vec<String> {
    vec![
        String::new(),
        " ".into(),
        "'; DROP TABLE subscribers; -- ?1 $1 \\ \" % _".into(),
        "ünïcødé 你好 🦀 \u{202e} \u{fffd} \u{10ffff}".into(),
        "line\nbreak\r\n\ttab \u{1}".into(),
        "NULL".into(),
        "{a,b}".into(),
        "ß".repeat(500_000),
    ]
}

async fn texts(database: &Database) {
    const SQL: &str = "INSERT INTO meta (name, value) VALUES (?1, ?2)";
    for (number, text) in hard_texts().into_iter().enumerate() {
        database.run(SQL, params![format!("text {number}"), text]).await;
    }
    assert_eq!(
        database.texts("SELECT value FROM meta WHERE name LIKE 'text %' ORDER BY name").await,
        hard_texts()
    );
    let found = Look {
        sql: "SELECT value FROM meta WHERE value = ?1",
        params: params![hard_texts()[3].clone()],
        read: |row| row.read().text(),
    };
    assert_eq!(database.store.read(found).await.unwrap(), hard_texts()[3..4]);
}

const NUMBERS: [i64; 6] = [i64::MIN, -1, 0, 1, i32::MAX as i64 + 1, i64::MAX];

async fn numbers(database: &Database) {
    for number in NUMBERS {
        database
            .run("INSERT INTO nodes (id, expires_at) VALUES (?1, ?2)", params![number.to_string(), number])
            .await;
    }
    assert_eq!(database.ints("SELECT expires_at FROM nodes ORDER BY expires_at").await, NUMBERS);
    assert_eq!(database.int("SELECT 7").await, 7);
    assert_eq!(database.ints("SELECT COUNT(*) FROM nodes").await, [6]);
}

async fn bytes(database: &Database) {
    let long: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    const SQL: &str =
        "INSERT INTO api_keys (id, name, scope, hash, hint, created_at) VALUES (?1, '', '', ?2, '', 0)";
    for (id, hash) in [("a", vec![]), ("b", vec![0, 255, 0]), ("c", long.clone())] {
        database.run(SQL, params![id, hash]).await;
    }
    let look =
        Look { sql: "SELECT hash FROM api_keys ORDER BY id", params: vec![], read: |row| row.read().blob() };
    assert_eq!(database.store.read(look).await.unwrap(), [vec![], vec![0, 255, 0], long]);
}

async fn nothing(database: &Database) {
    const SQL: &str = "INSERT INTO event_types (name, description, data_schema, example, created_at) VALUES (?1, '', ?2, ?3, 0)";
    database.run(SQL, params!["a", Value::Null, None::<String>]).await;
    database.run(SQL, params!["b", Some("x"), ""]).await;
    let look = Look {
        sql: "SELECT data_schema, example, CAST(NULL AS INTEGER) FROM event_types ORDER BY name",
        params: vec![],
        read: |row| {
            let mut row = row.read();
            Ok((row.opt_text()?, row.opt_text()?, row.opt_int()?))
        },
    };
    let expected = [(None, None, None), (Some("x".into()), Some(String::new()), None)];
    assert_eq!(database.store.read(look).await.unwrap(), expected);
}

/// Writes all hard texts at once, changes them at once, and deletes half of them at once.
struct Batches;

impl Work for Batches {
    type Output = [u64; 4];

    async fn run<T: Tx>(&self, tx: &T) -> Result<[u64; 4], StoreError> {
        const INSERT: &str =
            "INSERT INTO event_types (name, description, data_schema, created_at) VALUES (?1, ?2, ?3, ?4)";
        const UPDATE: &str = "UPDATE event_types SET created_at = ?2 + 0, data_schema = ?3 WHERE name = ?1 AND created_at < ?2";
        const DELETE: &str = "DELETE FROM event_types WHERE name = ?1 AND created_at = ?2";
        let (mut insert, mut update, mut delete) = (Rows::default(), Rows::default(), Rows::default());
        for (number, text) in hard_texts().into_iter().enumerate() {
            let (name, number) = (number.to_string(), number as i64);
            let schema = (number % 2 == 0).then_some("even");
            insert.push([name.clone().into(), text.into(), schema.into(), number.into()]);
            update.push([name.clone().into(), (2 * number).into(), Value::Null]);
            delete.push([name.into(), (number * 2).into()]);
        }
        Ok([
            tx.execute_many(INSERT, insert).await?,
            tx.execute_many(UPDATE, update).await?,
            tx.execute_many(DELETE, delete).await?,
            tx.execute_many(DELETE, Rows::default()).await?,
        ])
    }
}

async fn batches(database: &Database) {
    let count = hard_texts().len() as u64;
    // The first has number 0, and so neither grows nor differs.
    assert_eq!(database.store.write(Batches).await.unwrap(), [count, count - 1, count, 0]);
    assert_eq!(database.int("SELECT COUNT(*) FROM event_types").await, 0);
}

async fn arrays(database: &Database) {
    for name in ["a", "b", "c,d", ""] {
        database
            .run("INSERT INTO nodes (id, expires_at) VALUES (?1, ?2)", params![name, name.len() as i64])
            .await;
    }
    let texts = |names: &[&str]| Value::Texts(names.iter().map(|name| (*name).to_owned()).collect());
    let look = |sql, params| database.store.read(Look { sql, params, read: |row| row.read().text() });
    let by_name = "SELECT id FROM nodes WHERE id IN ?1 ORDER BY id";
    assert_eq!(look(by_name, vec![texts(&["c,d", "", "b", "b", "x"])]).await.unwrap(), ["", "b", "c,d"]);
    assert!(look(by_name, vec![texts(&[])]).await.unwrap().is_empty());
    let by_number = "SELECT id FROM nodes WHERE expires_at IN ?1 AND id IN ?2 ORDER BY id";
    let numbers = Value::Ints(vec![1, 0, i64::MAX]);
    assert_eq!(look(by_number, vec![numbers, texts(&["a", ""])]).await.unwrap(), ["", "a"]);
}

async fn the_wrong_kind_is_told(database: &Database) {
    let look = Look { sql: "SELECT name, value FROM meta", params: vec![], read: |row| row.read().int() };
    let error = database.store.read(look).await.unwrap_err();
    assert!(matches!(error, StoreError::Column { position: 1, expected: "a number" }));
    let look = Look {
        sql: "SELECT name FROM meta",
        params: vec![],
        read: |row| {
            let mut row = row.read();
            row.text()?;
            row.text()
        },
    };
    assert!(matches!(database.store.read(look).await, Err(StoreError::Column { position: 2, .. })));
}

struct Panics;

impl Work for Panics {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        tx.execute("INSERT INTO meta (name, value) VALUES ('left', 'behind')", vec![]).await?;
        panic!("a defect, on purpose");
    }
}

async fn panics_are_defects(database: &Database) {
    for _ in 0..20 {
        assert!(matches!(database.store.write(Panics).await, Err(StoreError::Defect)));
    }
    assert_eq!(database.int("SELECT COUNT(*) FROM meta WHERE name = 'left'").await, 0);
    database.run("INSERT INTO meta (name, value) VALUES ('goes', 'on')", vec![]).await;
}
