//! Objects that point to each other in circles.
//!
//! Counting alone never frees a circle, as each object in it is held by the one before. So the objects of a circle are
//! counted as one: whoever holds any of them holds them all, and the pointers among them do not count. For the other
//! side each is a [`SharedObject`] like any other.

use super::{Counted, Shared};
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

struct Circle<T> {
    /// The pointers from outside.
    count: AtomicUsize,
    /// A boxed slice. Raw, since others hold pointers into it.
    members: *mut [Member<T>],
}

#[repr(C)]
struct Member<T> {
    // The first two fields are those of `SharedObject<T>`.
    head: Counted,
    value: *const T,
    circle: *const Circle<T>,
    inner: MaybeUninit<T>,
}

unsafe extern "C" fn retain_member<T>(object: *const Counted) {
    // SAFETY: only stored in the head of a `Member<T>`, which is its first field; the circle lives as long as its members.
    let circle = unsafe { &*(*object.cast::<Member<T>>()).circle };
    if circle.count.fetch_add(1, Ordering::Relaxed) > isize::MAX as usize {
        std::process::abort();
    }
}

unsafe extern "C" fn release_member<T>(object: *const Counted) {
    // SAFETY: as in `retain_member`.
    let circle = unsafe { (*object.cast::<Member<T>>()).circle.cast_mut() };
    // SAFETY: as in `retain_member`; the caller gives up one count that it owns, or is a member that goes with its circle.
    if unsafe { (*circle).count.fetch_sub(1, Ordering::Release) } == 1 {
        fence(Ordering::Acquire);
        // SAFETY: the last count is gone and the circle came from `Box::into_raw`.
        unsafe { free(circle) };
    }
}

/// Frees a circle and what is in it.
///
/// # Safety
/// Nobody outside has a pointer to a member, and all members are there.
unsafe fn free<T>(circle: *mut Circle<T>) {
    // The members let each other go now: what they take from the count must not bring it to its end once more.
    // SAFETY: of the caller.
    unsafe { (*circle).count.store(isize::MAX as usize, Ordering::Relaxed) };
    // SAFETY: of the caller.
    let members = unsafe { (*circle).members };
    for index in 0..members.len() {
        // SAFETY: there are so many members, and all are there. The others look at the `circle` of this one at most.
        unsafe { (&raw mut (*members.cast::<Member<T>>().add(index)).inner).cast::<T>().drop_in_place() };
    }
    // SAFETY: both came from `Box::into_raw`; what is in the members is `MaybeUninit`, and not dropped again.
    unsafe {
        drop(Box::from_raw(members));
        drop(Box::from_raw(circle));
    }
}

/// `count` objects that may point to each other: `make` is given the pointers to them, and gives the objects in the same
/// order. The answer is the pointers, in that order too.
///
/// # Safety
/// `make` looks at nothing behind the pointers, and each of them that it keeps, or clones, stands in what it gives.
///
/// # Panics
/// If `make` gives another number of objects, or panics. The memory is lost then.
pub(crate) unsafe fn circle<T>(count: usize, make: impl FnOnce(&[Shared<T>]) -> Vec<T>) -> Vec<Shared<T>> {
    let head = || Counted { retain: retain_member::<T>, release: release_member::<T> };
    let member =
        |_| Member { head: head(), value: std::ptr::null(), circle: std::ptr::null(), inner: MaybeUninit::uninit() };
    let members = Box::into_raw((0..count).map(member).collect::<Box<[_]>>());
    // The pointers below, and one for this function: nothing is freed before all is there.
    let circle = Box::into_raw(Box::new(Circle { count: AtomicUsize::new(count + 1), members }));
    let first = members.cast::<Member<T>>();
    let pointers: Vec<Shared<T>> = (0..count)
        .map(|index| {
            // SAFETY: there are `count` members.
            let member = unsafe { first.add(index) };
            // SAFETY: as above, and nobody else looks at it.
            unsafe {
                (*member).value = (&raw const (*member).inner).cast();
                (*member).circle = circle;
            }
            Shared { object: member.cast_const().cast() }
        })
        .collect();
    let made = make(&pointers);
    assert_eq!(made.len(), count, "a circle has the objects that were asked for");
    for (index, object) in made.into_iter().enumerate() {
        // SAFETY: there are `count` members, and by the contract nobody looks at them yet.
        unsafe { (&raw mut (*first.add(index)).inner).cast::<T>().write(object) };
    }
    // All pointers but those here stand in members now.
    // SAFETY: the circle lives: this function has counts of it.
    unsafe { (*circle).count.store(count, Ordering::Release) };
    if count == 0 {
        // SAFETY: there is nobody to free it later.
        unsafe { free(circle) };
    }
    pointers
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Tells by the count of `alive` whether it was dropped.
    struct Link {
        name: u8,
        next: Shared<Link>,
        alive: Arc<()>,
    }

    /// Objects of which each points to the next, and the last to the first.
    fn ring(length: u8, alive: &Arc<()>) -> Vec<Shared<Link>> {
        let link = |pointers: &[Shared<Link>], name: u8| {
            let next = pointers[(usize::from(name) + 1) % pointers.len()].clone();
            Link { name, next, alive: alive.clone() }
        };
        // SAFETY: nothing is looked at, and each clone stands in a link.
        unsafe { circle(length.into(), |pointers| (0..length).map(|name| link(pointers, name)).collect()) }
    }

    #[test]
    fn any_pointer_from_outside_keeps_the_whole_circle() {
        let alive = Arc::new(());
        for length in [1, 3] {
            let mut ring = ring(length, &alive);
            let last = ring.pop().expect("there is one");
            drop(ring);
            assert_eq!(Arc::strong_count(&alive), usize::from(length) + 1);
            // One that was found inside counts as much.
            let first = last.next.clone();
            assert_eq!((first.name, last.name), (0, length - 1));
            drop(last);
            let again = (0..length).fold(first.clone(), |link, _| link.next.clone());
            assert!(Shared::same(&again, &first));
            drop(again);
            assert_eq!(Arc::strong_count(&first.alive), usize::from(length) + 1);
            drop(first);
            assert_eq!(Arc::strong_count(&alive), 1);
        }
    }

    #[test]
    fn an_empty_circle_is_nothing() {
        assert!(ring(0, &Arc::new(())).is_empty());
    }

    #[test]
    fn threads_let_go_of_it_together() {
        let alive = Arc::new(());
        for _ in 0..200 {
            let ring = ring(2, &alive);
            std::thread::scope(|scope| {
                for link in ring {
                    scope.spawn(move || drop(link.next.clone()));
                }
            });
            assert_eq!(Arc::strong_count(&alive), 1);
        }
    }
}
