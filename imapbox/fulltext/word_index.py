"""One mailbox's index: what is in it, what is put into it, what is found.

All of it is done in threads; none of it waits for anybody. Of several processes
one writes, whoever comes first; the others read what was committed. An index that
is not good is `IndexBroken`: whoever meets that throws it away.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import numpy as np
import tantivy
from numpy.typing import NDArray
from tantivy import Query

from imapbox.fulltext.documents import (
    AT_ONCE,
    Document,
    Found,
    IndexBroken,
    Newest,
)
from imapbox.fulltext.question import question, within
from imapbox.fulltext.schema import opened
from imapbox.model.criteria import Like

# tantivy's least: what it collects before it writes a segment.
_HEAP: Final = 15_000_000
_BUSY: Final = "LockBusy"


@contextmanager
def _telling_what_is_broken() -> Iterator[None]:
    try:
        yield
    except (ValueError, OSError, TypeError) as error:
        raise IndexBroken(str(error)) from error
    except BaseException as error:
        # What Rust panics with is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise IndexBroken(str(error)) from error


class WordIndex:
    """An index as it is now; what is committed later is not seen.

    Args:
        path: Of its directory. Without an index in it there will be an empty one.

    Raises:
        IndexBroken: There is one, and it is none.
    """

    def __init__(self, path: str) -> None:
        with _telling_what_is_broken():
            self._index = opened(path)
            self._searcher = self._index.searcher()
            self._schema = self._index.schema

    @_telling_what_is_broken()
    def newest(self) -> Newest | None:
        """Return the newest message; all that are older were looked at."""
        everything = Query.all_query()
        hits = self._searcher.search(everything, 1, order_by_field="uid").hits
        if not hits:
            return None
        places = [place for _, place in hits]
        (uid,) = self._searcher.fast_field_values("uid", places)
        (emailid,) = self._searcher.fast_field_values("emailid", places)
        return Newest(int(uid or 0), int(emailid or 0))

    @_telling_what_is_broken()
    def count(self, uids: range) -> int:
        """Return how many messages with these UIDs are in it."""
        result: Any = self._searcher.search(within(self._schema, uids), 1)
        return int(result.count)  # of which its stubs don't tell

    def all(self, uids: range) -> NDArray[np.uint32]:
        """Return the UIDs of all messages that are in it, ascending.

        Args:
            uids: Among these.
        """
        count = self.count(uids)
        if count <= AT_ONCE:
            return self._all(uids, count)
        middle = (uids.start + uids.stop) // 2
        halves = (range(uids.start, middle), range(middle, uids.stop))
        return np.concatenate([self.all(half) for half in halves])

    @_telling_what_is_broken()
    def _all(self, uids: range, count: int) -> NDArray[np.uint32]:
        found = self._hits(within(self._schema, uids), max(1, count))
        return np.sort(found.uids)

    @_telling_what_is_broken()
    def find(self, like: Like, uids: range) -> Found:
        """Return the messages that have such words, ascending.

        Args:
            like: What is looked for; there are words in it.
            uids: Among these, which are not many more than `AT_ONCE`.
        """
        found = self._hits(question(self._schema, like, uids), 2 * AT_ONCE)
        order = np.argsort(found.uids)
        return Found(found.uids[order], found.scores[order])

    def _hits(self, query: Query, most: int) -> Found:
        hits = self._searcher.search(query, most, count=False).hits
        places = [place for _, place in hits]
        uids = self._searcher.fast_field_values("uid", places)
        scores = np.fromiter((score for score, _ in hits), np.float32, len(hits))
        return Found(np.array(uids, np.uint32), scores)

    def writer(self) -> "WordWriter | None":
        """Return what puts messages into it; None if somebody does so already.

        Raises:
            IndexBroken: It can't be written.
        """
        try:
            writer = self._index.writer(heap_size=_HEAP, num_threads=1)
        except ValueError as error:
            if _BUSY in str(error):
                return None
            raise IndexBroken(str(error)) from error
        return WordWriter(writer, self._schema)


class WordWriter:
    """Puts messages into an index. `close` it, in a thread, whatever happens.

    What does something after that, does nothing: a thread may be late.
    """

    def __init__(self, writer: tantivy.IndexWriter, schema: tantivy.Schema) -> None:
        self._writer: tantivy.IndexWriter | None = writer
        self._schema = schema
        self._lock = threading.Lock()

    def add(self, make: Callable[[], Sequence[Document]]) -> None:
        """Put messages into it, in the order of their UIDs."""
        with self._lock, _telling_what_is_broken():
            if self._writer is not None:
                for each in make():
                    self._writer.add_document(_document(each))

    def drop(self, uids: Sequence[int]) -> None:
        """Take messages out of it."""
        with self._lock, _telling_what_is_broken():
            if self._writer is not None:
                # Not by term: tantivy 0.27 takes the number for a signed one.
                for uid in uids:
                    query = Query.term_query(self._schema, "uid", uid)
                    self._writer.delete_documents_by_query(query)

    def commit(self) -> None:
        """Let all that was done be seen."""
        with self._lock, _telling_what_is_broken():
            if self._writer is not None:
                self._writer.commit()

    def close(self) -> None:
        """Commit, and let others write."""
        with self._lock, suppress(IndexBroken), _telling_what_is_broken():
            writer, self._writer = self._writer, None
            if writer is not None:
                writer.commit()
                writer.wait_merging_threads()


def _document(message: Document) -> tantivy.Document:
    document = tantivy.Document()
    document.add_unsigned("uid", message.uid)
    document.add_unsigned("emailid", message.emailid)
    for name, texts in message.texts.items():
        for text in texts:
            document.add_text(name, text)
    return document
