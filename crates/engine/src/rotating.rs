//! Secrets that are replaced while the one before them still counts, so that the other side has time to follow.

use domain::Timestamp;
use signature::Secret;

/// A secret and, for a time of grace after it was replaced, the one before it.
#[derive(Clone, Debug)]
pub struct Rotating {
    /// The one that holds.
    pub current: Secret,
    /// The one before it, and until when it counts as well.
    pub old: Option<(Secret, Timestamp)>,
}

impl Rotating {
    /// A secret that replaces none.
    pub fn new(current: Secret) -> Self {
        Self { current, old: None }
    }

    /// This one replaced by another, and still good for so many seconds.
    #[must_use]
    pub fn replaced(&self, current: Secret, now: Timestamp, grace_seconds: u32) -> Self {
        let until = now.plus_millis(i64::from(grace_seconds) * 1_000);
        Self { current, old: (until > now).then(|| (self.current.clone(), until)) }
    }

    /// This one if it is the same secret; else the other at once, without grace: who sets one by hand means it.
    #[must_use]
    pub fn set(self, current: Secret) -> Self {
        if self.current == current { self } else { Self::new(current) }
    }

    /// The secrets that count at this moment, the current one first.
    pub fn at(&self, now: Timestamp) -> impl Iterator<Item = &Secret> {
        let old = self.old.as_ref().filter(|(_, until)| now < *until);
        std::iter::once(&self.current).chain(old.map(|(old, _)| old))
    }
}

/// What was made ready of a [`Rotating`] secret, once and for all requests.
#[derive(Debug)]
pub(crate) struct Ready<T> {
    /// Of the current one, unless nothing can be made of it; then of the old one.
    all: Vec<T>,
    /// How many of them are of the current one.
    current: usize,
    old_until: Option<Timestamp>,
}

impl<T> Ready<T> {
    /// Makes ready what can be made of each secret.
    pub(crate) fn new(secrets: &Rotating, make: impl Fn(&Secret) -> Option<T>) -> Self {
        let mut all: Vec<T> = make(&secrets.current).into_iter().collect();
        let current = all.len();
        all.extend(secrets.old.as_ref().and_then(|(old, _)| make(old)));
        Self { all, current, old_until: secrets.old.as_ref().map(|(_, until)| *until) }
    }

    /// What counts at this moment, that of the current secret first.
    pub(crate) fn at(&self, now: Timestamp) -> &[T] {
        let is_over = self.old_until.is_none_or(|until| now >= until);
        if is_over { &self.all[..self.current] } else { &self.all }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_792_000_000_123);

    fn texts(rotating: &Rotating, now: Timestamp) -> Vec<String> {
        let of = |secret: &Secret| Some(secret.expose().to_owned());
        let ready = Ready::new(rotating, of);
        let listed: Vec<String> = rotating.at(now).filter_map(of).collect();
        assert_eq!(ready.at(now), listed);
        listed
    }

    #[test]
    fn the_old_one_counts_for_its_time_of_grace() {
        let first = Rotating::new(Secret::new("a"));
        let second = first.replaced(Secret::new("b"), NOW, 1);
        assert_eq!(texts(&second, NOW.plus_millis(999)), ["b", "a"]);
        assert_eq!(texts(&second, NOW.plus_millis(1_000)), ["b"]);
        assert_eq!(texts(&first.replaced(Secret::new("b"), NOW, 0), NOW), ["b"]);
        let third = second.replaced(Secret::new("c"), NOW, 10);
        assert_eq!(texts(&third, NOW), ["c", "b"], "one before it, not two");
    }

    #[test]
    fn what_is_set_by_hand_holds_alone() {
        let rotated = Rotating::new(Secret::new("a")).replaced(Secret::new("b"), NOW, 10);
        assert_eq!(texts(&rotated.clone().set(Secret::new("b")), NOW), ["b", "a"], "nothing was changed");
        assert_eq!(texts(&rotated.set(Secret::new("c")), NOW), ["c"]);
    }

    #[test]
    fn an_old_one_of_another_form_counts_for_itself_only() {
        let rotated = Rotating::new(Secret::new("good")).replaced(Secret::new("bad"), NOW, 1);
        let ready = Ready::new(&rotated, |secret| (secret.expose() == "good").then_some(()));
        assert_eq!((ready.at(NOW).len(), ready.at(NOW.plus_millis(1_000)).len()), (1, 0));
    }
}
