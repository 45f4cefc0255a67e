//! Any number of row ids in ascending order, in bounded memory.

use super::key::RowId;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

/// How many are kept in memory: 16 MB.
const MOST: usize = 1 << 20;

/// Collects ids; what memory does not hold goes to files that have no names, in the folder for temporary files.
pub(super) struct Sorted {
    ids: Vec<RowId>,
    most: usize,
    /// Each ascending.
    files: Vec<File>,
}

impl Sorted {
    /// None yet.
    pub(super) fn new() -> Sorted {
        Sorted::keeping(MOST)
    }

    fn keeping(most: usize) -> Sorted {
        Sorted { ids: Vec::new(), most, files: Vec::new() }
    }

    /// Adds one.
    pub(super) fn push(&mut self, id: RowId) -> io::Result<()> {
        self.ids.push(id);
        if self.ids.len() < self.most {
            return Ok(());
        }
        self.ids.sort_unstable();
        let mut file = BufWriter::new(tempfile::tempfile()?);
        for id in self.ids.drain(..) {
            file.write_all(&id)?;
        }
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        self.files.push(file);
        Ok(())
    }

    /// All of them, ascending.
    pub(super) fn ascending(mut self) -> io::Result<Ascending> {
        self.ids.sort_unstable();
        let mut sources: Vec<Box<dyn Read + Send>> = Vec::with_capacity(self.files.len() + 1);
        sources.push(Box::new(io::Cursor::new(self.ids.concat())));
        sources.extend(self.files.into_iter().map(|file| Box::new(BufReader::new(file)) as Box<dyn Read + Send>));
        let mut ascending = Ascending { heads: BinaryHeap::new(), sources };
        (0..ascending.sources.len()).try_for_each(|source| ascending.advance(source))?;
        Ok(ascending)
    }
}

/// Ids in ascending order, to be asked for ascending ones.
pub(super) struct Ascending {
    /// The next one of each source that has one left.
    heads: BinaryHeap<Reverse<(RowId, usize)>>,
    sources: Vec<Box<dyn Read + Send>>,
}

impl Ascending {
    /// Whether `id` is among them. It is above all that were asked for before.
    pub(super) fn contains(&mut self, id: &RowId) -> io::Result<bool> {
        while let Some(Reverse((head, source))) = self.heads.peek().copied() {
            if head >= *id {
                return Ok(head == *id);
            }
            self.heads.pop();
            self.advance(source)?;
        }
        Ok(false)
    }

    fn advance(&mut self, source: usize) -> io::Result<()> {
        let mut id = RowId::default();
        match self.sources[source].read_exact(&mut id) {
            Ok(()) => self.heads.push(Reverse((id, source))),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_found_and_no_others_however_many_are_in_memory() {
        let id = |number: u64| -> RowId { std::array::from_fn(|place| (number >> (place * 4)) as u8 ^ place as u8) };
        for (count, most) in [(0, 4), (3, 4), (4, 4), (1000, 7), (1000, 5000)] {
            let mut sorted = Sorted::keeping(most);
            // Even ones only, in no order, some twice.
            (0..count).for_each(|number| sorted.push(id((number * 7919 % count) * 2)).unwrap());
            (0..count / 10).for_each(|number| sorted.push(id(number * 2)).unwrap());
            let mut asked: Vec<(RowId, bool)> = (0..count * 2).map(|number| (id(number), number % 2 == 0)).collect();
            asked.sort_unstable();
            let mut ascending = sorted.ascending().unwrap();
            for (id, there) in asked {
                assert_eq!(ascending.contains(&id).unwrap(), there, "{count} with {most}");
            }
            assert!(!ascending.contains(&[255; 16]).unwrap());
        }
    }
}
