//! People who log in: how they get in, what they may do there, and how they get out.

use api::links::{self, link};
use engine::Scope;
use http::{Method, Request};
use serde_json::{Value, json};
use signature::Secret;
use store::users::Purpose;

use crate::support::{Answer, Server, request};

const PASSWORD: &str = "ein langer Satz";

/// A browser: what it keeps of an answer.
struct Browser {
    cookie: String,
    csrf: String,
}

impl Browser {
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        let set = answer.headers["set-cookie"].to_str().unwrap();
        assert!(set.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure"), "{set}");
        assert!(set.starts_with("__Host-ccsp_session="), "{set}");
        let csrf = answer.json()["csrf_token"].as_str().unwrap().to_owned();
        Self { cookie: set.split(';').next().unwrap().to_owned(), csrf }
    }

    async fn call(&self, server: &Server, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = request(method, path, None, body);
        request.headers_mut().insert("cookie", format!("theme=dark; {}", self.cookie).parse().unwrap());
        request.headers_mut().insert("x-csrf-token", self.csrf.parse().unwrap());
        server.send(request).await
    }
}

/// What stands behind the `#` of a new link.
async fn new_link(server: &Server, purpose: Purpose) -> String {
    let secret = server.engine.vault().new_token();
    let (row, path) = link(&secret, purpose, server.engine.now());
    server.engine.write(row).await.unwrap();
    path.split_once('#').unwrap().1.to_owned()
}

/// The first user, logged in.
async fn owner(server: &Server) -> Browser {
    let link = new_link(server, Purpose::SetUp).await;
    let body = json!({"link": link, "email": " Ada@Example.com ", "password": PASSWORD});
    Browser::of(&server.post_as_nobody("/set-up", body).await)
}

impl Server {
    async fn post_as_nobody(&self, path: &str, body: Value) -> Answer {
        self.send(request(Method::POST, path, None, Some(body))).await
    }

    async fn log_in(&self, email: &str, password: &str) -> Answer {
        self.post_as_nobody("/session", json!({"email": email, "password": password})).await
    }
}

async fn from_the_first_user_to_the_last(server: Server) {
    let ada = owner(&server).await;
    let shown = ada.call(&server, Method::GET, "/session", None).await.json();
    assert_eq!(
        (&shown["user"]["email"], &shown["user"]["role"]),
        (&json!("ada@example.com"), &json!("owner"))
    );
    assert_eq!(shown["csrf_token"], json!(ada.csrf));

    // An owner adds an editor, and gives them a link.
    let body = json!({"email": "grace@example.com", "role": "editor"});
    let grace = ada.call(&server, Method::POST, "/users", Some(body.clone())).await;
    assert_eq!((grace.status, grace.json()["has_password"].clone()), (201, json!(false)));
    assert_eq!(ada.call(&server, Method::POST, "/users", Some(body)).await.code(), "conflict");
    let id = grace.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(server.log_in("grace@example.com", "").await.code(), "log-in-failed");
    let made = ada.call(&server, Method::POST, &format!("/users/{id}/link"), None).await.json();
    let link = made["link"].as_str().unwrap().split_once("https://mail.example.com/set-up#").unwrap().1;
    let weak = server.post_as_nobody("/set-up", json!({"link": link, "password": "short"})).await;
    assert_eq!(weak.faults()[0].0, "password");
    let grace =
        Browser::of(&server.post_as_nobody("/set-up", json!({"link": link, "password": PASSWORD})).await);
    let again = server.post_as_nobody("/set-up", json!({"link": link, "password": PASSWORD})).await;
    assert_eq!((again.status, again.code().as_str()), (410, "link-expired"));

    // Who may change things does, and does not manage people.
    let list = grace.call(&server, Method::POST, "/lists", Some(json!({"name": "News"}))).await;
    assert_eq!(list.status, 201);
    let users = grace.call(&server, Method::GET, "/users", None).await;
    assert_eq!((users.status, users.json()["detail"].as_str().unwrap().contains("editor")), (403, true));

    // A lesser role ends the sessions; the next one may see only.
    let path = format!("/users/{id}");
    let changed = ada.call(&server, Method::PATCH, &path, Some(json!({"role": "viewer"}))).await;
    assert_eq!((changed.status, changed.json()["role"].clone()), (200, json!("viewer")));
    assert_eq!(grace.call(&server, Method::GET, "/lists", None).await.status, 401);
    let grace = Browser::of(&server.log_in("GRACE@example.com", PASSWORD).await);
    assert_eq!(grace.call(&server, Method::GET, "/lists", None).await.status, 200);
    let list = grace.call(&server, Method::POST, "/lists", Some(json!({"name": "More"}))).await;
    assert_eq!(list.code(), "forbidden");

    // Everyone may leave, and change their password.
    let other = Browser::of(&server.log_in("grace@example.com", PASSWORD).await);
    let body = json!({"current_password": "wrong password", "new_password": "another sentence"});
    let wrong = grace.call(&server, Method::POST, "/session/password", Some(body)).await;
    assert_eq!(wrong.code(), "log-in-failed");
    let body = json!({"current_password": PASSWORD, "new_password": "another sentence"});
    let grace = Browser::of(&grace.call(&server, Method::POST, "/session/password", Some(body)).await);
    assert_eq!(other.call(&server, Method::GET, "/session", None).await.status, 401);
    let left = grace.call(&server, Method::DELETE, "/session", None).await;
    assert_eq!(left.status, 204);
    assert!(
        left.headers["set-cookie"].to_str().unwrap().starts_with("__Host-ccsp_session=; Path=/; Max-Age=0;")
    );
    assert_eq!(grace.call(&server, Method::GET, "/session", None).await.status, 401);
    let (here, there) = (
        server.log_in("grace@example.com", "another sentence").await,
        server.log_in("grace@example.com", "another sentence").await,
    );
    assert_eq!(Browser::of(&here).call(&server, Method::DELETE, "/sessions", None).await.status, 204);
    assert_eq!(Browser::of(&there).call(&server, Method::GET, "/session", None).await.status, 401);

    // Somebody always manages the others.
    assert_eq!(ada.call(&server, Method::DELETE, &path, None).await.status, 204);
    let users = ada.call(&server, Method::GET, "/users", None).await.json();
    let me = users["data"][0]["id"].as_str().unwrap();
    assert_eq!(users["data"].as_array().unwrap().len(), 1);
    for answer in [
        ada.call(&server, Method::DELETE, &format!("/users/{me}"), None).await,
        ada.call(&server, Method::PATCH, &format!("/users/{me}"), Some(json!({"role": "editor"}))).await,
    ] {
        assert_eq!((answer.status, answer.code().as_str()), (409, "conflict"));
    }
}

#[tokio::test]
async fn from_the_first_user_to_the_last_on_sqlite() {
    from_the_first_user_to_the_last(Server::start().await).await;
}

#[tokio::test]
async fn from_the_first_user_to_the_last_on_postgres() {
    from_the_first_user_to_the_last(Server::start_on_postgres().await).await;
}

#[tokio::test]
async fn a_change_asks_for_the_second_token() {
    let server = Server::start().await;
    let ada = owner(&server).await;
    let other = Browser::of(&server.log_in("ada@example.com", PASSWORD).await);
    for csrf in ["", "00", &other.csrf] {
        let forged = Browser { cookie: ada.cookie.clone(), csrf: csrf.to_owned() };
        let answer = forged.call(&server, Method::POST, "/lists", Some(json!({"name": "News"}))).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "csrf-token-needed"), "{csrf}");
        assert_eq!(forged.call(&server, Method::GET, "/lists", None).await.status, 200);
    }
}

#[tokio::test]
async fn a_session_is_not_taken_from_elsewhere() {
    let server = Server::start().await;
    let ada = owner(&server).await;
    let token = ada.cookie.split_once('=').unwrap().1;
    // Under the name for plain HTTP, as a key, and with a key that is wrong.
    for (name, value) in
        [("cookie", format!("ccsp_session={token}")), ("authorization", format!("Bearer {token}"))]
    {
        let request = Request::get("/wp-json/ccsp-mailer/v1/session").header(name, value);
        let answer = server.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 401, "{name}");
    }
    let mut request = request(Method::GET, "/session", Some(Scope::Admin), None);
    request.headers_mut().insert("cookie", ada.cookie.parse().unwrap());
    assert_eq!(server.send(request).await.status, 404);
}

#[tokio::test]
async fn over_plain_http_the_cookie_has_no_prefix() {
    let server = Server::start_with(|state| state.public_url = "http://127.0.0.1:8025".into()).await;
    let link = new_link(&server, Purpose::SetUp).await;
    let body = json!({"link": link, "email": "ada@example.com", "password": PASSWORD});
    let answer = server.post_as_nobody("/set-up", body).await;
    let set = answer.headers["set-cookie"].to_str().unwrap();
    assert!(set.starts_with("ccsp_session=") && set.ends_with("; HttpOnly; SameSite=Strict"), "{set}");
}

#[tokio::test]
async fn log_ins_that_fail_look_alike_and_come_to_an_end() {
    let server = Server::start().await;
    owner(&server).await;
    let wrong = server.log_in("ada@example.com", "another sentence").await;
    let nobody = server.log_in("nobody@example.com", PASSWORD).await;
    let no_address = server.log_in("ada", PASSWORD).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (401, "log-in-failed"));
    assert_eq!((&wrong.text, &wrong.text), (&nobody.text, &no_address.text));
    let mut last = wrong;
    for _ in 0..20 {
        last = server.log_in("ada@example.com", "another sentence").await;
    }
    assert_eq!((last.status, last.code().as_str()), (429, "too-many-requests"));
    assert_eq!(last.headers["retry-after"], "60");
    // Who was too often here does not get in with the right password either.
    assert_eq!(server.log_in("ada@example.com", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn a_link_is_good_for_one_thing() {
    let server = Server::start().await;
    let ada = owner(&server).await;
    let id = ada.call(&server, Method::GET, "/session", None).await.json()["user"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let to_log_in = new_link(&server, Purpose::LogIn(id.clone())).await;
    let to_choose = new_link(&server, Purpose::ChoosePassword(id)).await;
    let late_set_up = new_link(&server, Purpose::SetUp).await;
    let password = json!({"link": to_log_in, "password": PASSWORD});
    assert_eq!(server.post_as_nobody("/set-up", password).await.code(), "link-expired");
    assert_eq!(server.post_as_nobody("/session", json!({"link": to_choose})).await.code(), "link-expired");
    let body = json!({"link": late_set_up, "email": "eve@example.com", "password": PASSWORD});
    assert_eq!(server.post_as_nobody("/set-up", body).await.code(), "link-expired");
    Browser::of(&server.post_as_nobody("/session", json!({"link": to_log_in})).await);
    assert_eq!(server.post_as_nobody("/session", json!({"link": to_log_in})).await.code(), "link-expired");
    let both = json!({"email": "ada@example.com", "link": to_choose});
    assert_eq!(server.post_as_nobody("/session", both).await.faults()[0].0, "email");

    // One that is too old.
    let secret = Secret::new("an-old-link");
    let made_at = server.engine.now().plus_millis(-links::SHORT_MINUTES * 60_000);
    let user = ada.call(&server, Method::GET, "/session", None).await.json()["user"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (old, _) = link(&secret, Purpose::LogIn(user), made_at);
    server.engine.write(old).await.unwrap();
    assert_eq!(
        server.post_as_nobody("/session", json!({"link": "an-old-link"})).await.code(),
        "link-expired"
    );
}
