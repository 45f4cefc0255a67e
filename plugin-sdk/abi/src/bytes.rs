//! Bytes and text that are shared, not copied: a slice plus the object that owns it.

use crate::shared::{Counted, Shared};
use abi_stable::StableAbi;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, Range};
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// Immutable bytes that either side may hold, clone (one atomic add) and drop, from any thread.
///
/// A blob is a view into memory kept alive by its owner, so many blobs can share one buffer: lines of one file
/// chunk, payloads of one fetched batch. A blob that is kept for long keeps its whole owner; [`Blob::detach`]
/// copies the bytes out.
#[repr(C)]
#[derive(StableAbi)]
pub struct Blob {
    data: *const u8,
    length: usize,
    // Null for bytes that live for ever.
    owner: *const Counted,
}

// SAFETY: the bytes are immutable while shared and the owner's functions may be called from any thread.
unsafe impl Send for Blob {}
// SAFETY: as above.
unsafe impl Sync for Blob {}

#[repr(C)]
struct InlineBytes {
    head: Counted,
    count: AtomicUsize,
    capacity: usize,
    // The bytes follow.
}

impl InlineBytes {
    fn layout(capacity: usize) -> Layout {
        let (layout, offset) = Layout::new::<InlineBytes>()
            .extend(Layout::array::<u8>(capacity).expect("a slice is never longer than isize::MAX"))
            .expect("a slice is never longer than isize::MAX");
        debug_assert_eq!(offset, size_of::<InlineBytes>());
        layout.pad_to_align()
    }
}

unsafe extern "C" fn retain_inline(object: *const Counted) {
    // SAFETY: only stored in the head of an `InlineBytes`.
    unsafe { (*object.cast::<InlineBytes>()).count.fetch_add(1, Ordering::Relaxed) };
}

unsafe extern "C" fn release_inline(object: *const Counted) {
    let object = object.cast::<InlineBytes>().cast_mut();
    // SAFETY: only stored in the head of an `InlineBytes`; the caller gives up a count it owns.
    unsafe {
        if (*object).count.fetch_sub(1, Ordering::Release) == 1 {
            fence(Ordering::Acquire);
            let layout = InlineBytes::layout((*object).capacity);
            dealloc(object.cast(), layout);
        }
    }
}

impl Blob {
    /// No bytes.
    pub const EMPTY: Blob = Blob::from_static(&[]);

    /// Bytes that live for ever; never counted, never freed.
    #[inline]
    pub const fn from_static(bytes: &'static [u8]) -> Blob {
        Blob { data: bytes.as_ptr(), length: bytes.len(), owner: std::ptr::null() }
    }

    /// Copies `bytes` into an allocation of its own (one allocation, head included).
    pub fn copy_from(bytes: &[u8]) -> Blob {
        if bytes.is_empty() {
            return Blob::EMPTY;
        }
        let layout = InlineBytes::layout(bytes.len());
        // SAFETY: the layout is never empty; the head is written before anybody sees it, and the bytes fit behind it.
        unsafe {
            let object = alloc(layout).cast::<InlineBytes>();
            if object.is_null() {
                handle_alloc_error(layout);
            }
            object.write(InlineBytes {
                head: Counted { retain: retain_inline, release: release_inline },
                count: AtomicUsize::new(1),
                capacity: bytes.len(),
            });
            let data = object.add(1).cast::<u8>();
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len());
            Blob { data, length: bytes.len(), owner: object.cast() }
        }
    }

    /// Shares the bytes of `owner`, which is dropped with the last blob that points into it.
    pub fn from_owner<T>(owner: T) -> Blob
    where
        T: AsRef<[u8]> + Send + Sync + 'static,
    {
        let shared = Shared::new(owner);
        let bytes = (*shared).as_ref();
        let (data, length) = (bytes.as_ptr(), bytes.len());
        Blob { data, length, owner: Shared::into_head(shared) }
    }

    /// Shares part of what `owner` holds, without a copy; `view` says which part.
    #[inline]
    pub fn project<T>(owner: &Shared<T>, view: impl for<'a> FnOnce(&'a T) -> &'a [u8]) -> Blob
    where
        T: Send + Sync + 'static,
    {
        // The view borrows from the owner for as long as one likes, and the owner does not move until the last
        // pointer to it, the new blob's included, is gone.
        let bytes = view(owner);
        let (data, length) = (bytes.as_ptr(), bytes.len());
        Blob { data, length, owner: Shared::into_head(owner.clone()) }
    }

    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: a blob is valid for its length while its owner lives, and it owns a count of that owner.
        unsafe { std::slice::from_raw_parts(self.data, self.length) }
    }

    /// A blob over part of these bytes that shares the owner.
    ///
    /// # Panics
    /// If the range is not inside.
    #[inline]
    pub fn slice(&self, range: Range<usize>) -> Blob {
        let part = &self.as_slice()[range];
        let mut blob = self.clone();
        (blob.data, blob.length) = (part.as_ptr(), part.len());
        blob
    }

    /// The same bytes in an allocation of their own.
    pub fn detach(&self) -> Blob {
        Blob::copy_from(self.as_slice())
    }
}

impl Clone for Blob {
    #[inline]
    fn clone(&self) -> Blob {
        if !self.owner.is_null() {
            // SAFETY: this blob owns a count of the owner, so it lives.
            unsafe { ((*self.owner).retain)(self.owner) };
        }
        Blob { data: self.data, length: self.length, owner: self.owner }
    }
}

impl Drop for Blob {
    #[inline]
    fn drop(&mut self) {
        if !self.owner.is_null() {
            // SAFETY: gives back the count this blob owns.
            unsafe { ((*self.owner).release)(self.owner) };
        }
    }
}

impl Deref for Blob {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl AsRef<[u8]> for Blob {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl Default for Blob {
    #[inline]
    fn default() -> Blob {
        Blob::EMPTY
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Blob {
        if bytes.is_empty() { Blob::EMPTY } else { Blob::from_owner(bytes) }
    }
}

impl PartialEq for Blob {
    fn eq(&self, other: &Blob) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Blob {}

impl Hash for Blob {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_slice(), f)
    }
}

/// A [`Blob`] that is known to be UTF-8.
#[repr(transparent)]
#[derive(StableAbi, Clone, PartialEq, Eq, Hash, Default)]
pub struct Text {
    bytes: Blob,
}

impl Text {
    /// Text that lives for ever.
    #[inline]
    pub const fn from_static(text: &'static str) -> Text {
        Text { bytes: Blob::from_static(text.as_bytes()) }
    }

    /// Copies `text` into an allocation of its own.
    pub fn copy_from(text: &str) -> Text {
        Text { bytes: Blob::copy_from(text.as_bytes()) }
    }

    /// The blob as text, or the blob back where it is not UTF-8.
    pub fn from_blob(bytes: Blob) -> Result<Text, Blob> {
        if std::str::from_utf8(&bytes).is_ok() { Ok(Text { bytes }) } else { Err(bytes) }
    }

    /// The blob as text without a check.
    ///
    /// # Safety
    /// The bytes must be UTF-8.
    #[inline]
    pub unsafe fn from_blob_unchecked(bytes: Blob) -> Text {
        Text { bytes }
    }

    /// Part of this text that shares the owner; none if the range is not inside or cuts a character.
    #[inline]
    pub fn slice(&self, range: Range<usize>) -> Option<Text> {
        self.as_str().get(range.clone()).map(|_| Text { bytes: self.bytes.slice(range) })
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        // SAFETY: every constructor either takes text or makes its caller promise it.
        unsafe { std::str::from_utf8_unchecked(&self.bytes) }
    }

    /// The bytes of the text, shared.
    #[inline]
    pub fn as_blob(&self) -> &Blob {
        &self.bytes
    }

    /// The bytes of the text.
    #[inline]
    pub fn into_blob(self) -> Blob {
        self.bytes
    }
}

impl Deref for Text {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text { bytes: text.into_bytes().into() }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text::copy_from(text)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn slices_share_the_owner_and_free_it_last() {
        let owner = Arc::new(vec![1u8, 2, 3, 4]);
        struct Holder(Arc<Vec<u8>>);
        impl AsRef<[u8]> for Holder {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        let blob = Blob::from_owner(Holder(Arc::clone(&owner)));
        let part = blob.slice(1..3);
        drop(blob);
        assert_eq!(&*part, &[2, 3]);
        assert_eq!(Arc::strong_count(&owner), 2);
        drop(part);
        assert_eq!(Arc::strong_count(&owner), 1);
    }

    #[test]
    fn copies_and_detached_blobs_are_independent() {
        let first = Blob::copy_from(b"hello");
        let second = first.slice(1..4).detach();
        drop(first);
        assert_eq!(&*second, b"ell");
        assert_eq!(Blob::copy_from(b""), Blob::EMPTY);
    }

    #[test]
    fn text_refuses_what_is_not_utf8() {
        assert!(Text::from_blob(Blob::copy_from(&[0xff])).is_err());
        assert_eq!(Text::from("é").as_str(), "é");
        assert_eq!(Text::from("aéb").slice(0..3), Some(Text::from("aé")));
        assert_eq!(Text::from("aéb").slice(0..2), None);
    }
}
