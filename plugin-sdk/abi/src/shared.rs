//! Reference counting that works across libraries: the counting functions travel with the object.

mod circle;

pub(crate) use circle::circle;

use abi_stable::StableAbi;
use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// The head of every shared object: how to keep it and how to let it go.
///
/// Both functions belong to the library that made the object, and libraries are never unloaded, so they stay valid.
/// They may be called from any thread.
#[repr(C)]
#[derive(StableAbi)]
pub struct Counted {
    /// Adds one to the count.
    pub retain: unsafe extern "C" fn(*const Counted),
    /// Takes one from the count and frees the object at zero.
    pub release: unsafe extern "C" fn(*const Counted),
}

/// A shared, immutable value that both sides may hold and drop, from any thread. One pointer wide.
#[repr(transparent)]
#[derive(StableAbi)]
pub struct Shared<T> {
    object: *const SharedObject<T>,
}

/// What a [`Shared`] points to as the other side sees it: the head, then the value at `value`.
#[repr(C)]
#[derive(StableAbi)]
pub struct SharedObject<T> {
    head: Counted,
    value: *const T,
}

#[repr(C)]
struct SharedBox<T> {
    // The first two fields are those of `SharedObject<T>`.
    head: Counted,
    value: *const T,
    count: AtomicUsize,
    inner: T,
}

// SAFETY: the value is only reachable by shared reference and the count is atomic.
unsafe impl<T: Send + Sync> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Shared<T> {}

unsafe extern "C" fn retain_shared<T>(object: *const Counted) {
    // SAFETY: only stored in the head of a `SharedBox<T>`, which is its first field.
    let object = unsafe { &*object.cast::<SharedBox<T>>() };
    if object.count.fetch_add(1, Ordering::Relaxed) > isize::MAX as usize {
        std::process::abort();
    }
}

unsafe extern "C" fn release_shared<T>(object: *const Counted) {
    let object = object.cast::<SharedBox<T>>().cast_mut();
    // SAFETY: as in `retain_shared`; the caller gives up one count that it owns.
    if unsafe { (*object).count.fetch_sub(1, Ordering::Release) } == 1 {
        fence(Ordering::Acquire);
        // SAFETY: the last count is gone and the object came from `Box::into_raw`.
        drop(unsafe { Box::from_raw(object) });
    }
}

impl<T> Shared<T> {
    /// Shares `inner`.
    pub fn new(inner: T) -> Shared<T> {
        let object = Box::into_raw(Box::new(SharedBox {
            head: Counted { retain: retain_shared::<T>, release: release_shared::<T> },
            value: std::ptr::null(),
            count: AtomicUsize::new(1),
            inner,
        }));
        // SAFETY: `object` was just made and nobody else has it.
        unsafe { (*object).value = &raw const (*object).inner };
        Shared { object: object.cast() }
    }

    /// Whether both point to the very same object. Equal objects need not be the same.
    #[inline]
    pub fn same(a: &Shared<T>, b: &Shared<T>) -> bool {
        std::ptr::eq(a.object, b.object)
    }

    /// Gives up the pointer and hands its count to whoever takes the head.
    #[inline]
    pub(crate) fn into_head(this: Shared<T>) -> *const Counted {
        let head = this.object.cast();
        std::mem::forget(this);
        head
    }

    /// The address, for use as an identity while this pointer is held.
    #[inline]
    pub fn address(this: &Shared<T>) -> usize {
        this.object as usize
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: a `Shared` owns one count, so object and value live as long as it does.
        unsafe { &*(*self.object).value }
    }
}

impl<T> Clone for Shared<T> {
    #[inline]
    fn clone(&self) -> Shared<T> {
        // SAFETY: the object lives (this pointer owns a count) and `retain` is its own function.
        unsafe { ((*self.object).head.retain)(self.object.cast()) };
        Shared { object: self.object }
    }
}

impl<T> Drop for Shared<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: gives back the one count this pointer owns.
        unsafe { ((*self.object).head.release)(self.object.cast()) };
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Shared<T>) -> bool {
        Shared::same(self, other) || **self == **other
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// A [`Shared`] or nothing, still one pointer wide (null = nothing).
#[repr(transparent)]
#[derive(StableAbi)]
pub struct MaybeShared<T> {
    object: *const SharedObject<T>,
}

// SAFETY: as for `Shared`.
unsafe impl<T: Send + Sync> Send for MaybeShared<T> {}
// SAFETY: as for `Shared`.
unsafe impl<T: Send + Sync> Sync for MaybeShared<T> {}

impl<T> MaybeShared<T> {
    /// Nothing.
    pub const NONE: MaybeShared<T> = MaybeShared { object: std::ptr::null() };

    /// The pointer, borrowed.
    #[inline]
    pub fn get(&self) -> Option<&Shared<T>> {
        if self.object.is_null() {
            None
        } else {
            // SAFETY: both types are one transparent pointer, and it is not null.
            Some(unsafe { &*(&raw const *self).cast::<Shared<T>>() })
        }
    }

    /// The value, borrowed.
    #[inline]
    pub fn as_deref(&self) -> Option<&T> {
        self.get().map(|shared| &**shared)
    }

    /// Takes the pointer out.
    #[inline]
    pub fn into_option(self) -> Option<Shared<T>> {
        let object = self.object;
        std::mem::forget(self);
        if object.is_null() { None } else { Some(Shared { object }) }
    }

    /// Whether there is nothing.
    #[inline]
    pub fn is_none(&self) -> bool {
        self.object.is_null()
    }
}

impl<T> From<Option<Shared<T>>> for MaybeShared<T> {
    #[inline]
    fn from(option: Option<Shared<T>>) -> MaybeShared<T> {
        option.map_or(MaybeShared::NONE, MaybeShared::from)
    }
}

impl<T> From<Shared<T>> for MaybeShared<T> {
    #[inline]
    fn from(shared: Shared<T>) -> MaybeShared<T> {
        let object = shared.object;
        std::mem::forget(shared);
        MaybeShared { object }
    }
}

impl<T> Clone for MaybeShared<T> {
    #[inline]
    fn clone(&self) -> MaybeShared<T> {
        self.get().cloned().into()
    }
}

impl<T> Default for MaybeShared<T> {
    #[inline]
    fn default() -> MaybeShared<T> {
        MaybeShared::NONE
    }
}

impl<T> Drop for MaybeShared<T> {
    #[inline]
    fn drop(&mut self) {
        if !self.object.is_null() {
            // SAFETY: gives back the one count this pointer owns.
            unsafe { ((*self.object).head.release)(self.object.cast()) };
        }
    }
}

impl<T: PartialEq> PartialEq for MaybeShared<T> {
    fn eq(&self, other: &MaybeShared<T>) -> bool {
        self.get() == other.get()
    }
}

impl<T: fmt::Debug> fmt::Debug for MaybeShared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
