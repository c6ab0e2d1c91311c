"""Sort as Go's `sort.Slice` does, so that rows with equal keys come out in the order istioctl prints them.

Go's sort is a pattern-defeating quicksort: unstable, yet deterministic. For a relation that is not an order
(istioctl compares names of route configurations only when both are numbers) its result depends on every step, so the
steps are reproduced exactly. Go: src/sort/zsortfunc.go; the algorithm: https://arxiv.org/pdf/2106.05123.pdf
"""

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Less = Callable[[Item, Item], bool]

_INSERTION_AT_MOST = 12
_NINTHER_FROM = 50
_SHIFT_FROM = 50
_REPAIRS = 5
_ALL_SWAPPED = 12
_WORD = (1 << 64) - 1


def sort_unstable(items: Iterable[Item], *, less: Less[Item]) -> list[Item]:
    """Return `items` in the order `sort.Slice(items, less)` would leave them."""
    slice_ = _Slice(list(items), less)
    slice_.sort(0, len(slice_.items), bad_pivots=len(slice_.items).bit_length())
    return slice_.items


def sort_unstable_by(items: Iterable[Item], *, key: Callable[[Item], Any]) -> list[Item]:
    """Return `items` in the order `sort.Slice` would leave them when it compares their keys, which are hashable."""
    keyed = [(key(item), item) for item in items]
    if len({each for each, _ in keyed}) == len(keyed):  # without equal keys all sorts agree, and Python's is faster
        keyed.sort(key=lambda pair: pair[0])
        return [item for _, item in keyed]
    return [item for _, item in sort_unstable(keyed, less=lambda one, other: bool(one[0] < other[0]))]


class _Slice(Generic[Item]):
    """The slice being sorted, in half-open ranges [low, high)."""

    def __init__(self, items: list[Item], less: Less[Item]) -> None:
        self.items = items
        self._less = less

    def less(self, i: int, j: int) -> bool:
        return self._less(self.items[i], self.items[j])

    def swap(self, i: int, j: int) -> None:
        self.items[i], self.items[j] = self.items[j], self.items[i]

    def sort(self, low: int, high: int, *, bad_pivots: int) -> None:
        balanced = partitioned = True
        while (length := high - low) > _INSERTION_AT_MOST:
            if bad_pivots == 0:
                self.heap_sort(low, high)
                return
            if not balanced:
                self.scatter(low, high)
                bad_pivots -= 1
            pivot, ascending, descending = self.choose_pivot(low, high)
            if descending:
                self.items[low:high] = self.items[low:high][::-1]
                pivot, ascending = high - 1 - (pivot - low), True
            if balanced and partitioned and ascending and self.repair(low, high):
                return
            if low > 0 and not self.less(low - 1, pivot):
                low = self.partition_equal(low, high, pivot)
                continue
            middle, partitioned = self.partition(low, high, pivot)
            left, right = middle - low, high - middle
            balanced = min(left, right) >= length // 8
            if left < right:
                self.sort(low, middle, bad_pivots=bad_pivots)
                low = middle + 1
            else:
                self.sort(middle + 1, high, bad_pivots=bad_pivots)
                high = middle
        self.insertion_sort(low, high)

    def insertion_sort(self, low: int, high: int) -> None:
        for i in range(low + 1, high):
            while i > low and self.less(i, i - 1):
                self.swap(i, i - 1)
                i -= 1

    def heap_sort(self, low: int, high: int) -> None:
        size = high - low
        for root in range((size - 1) // 2, -1, -1):
            self.sift_down(root, size, low)
        for last in range(size - 1, -1, -1):
            self.swap(low, low + last)
            self.sift_down(0, last, low)

    def sift_down(self, root: int, size: int, first: int) -> None:
        while (child := 2 * root + 1) < size:
            if child + 1 < size and self.less(first + child, first + child + 1):
                child += 1
            if not self.less(first + root, first + child):
                return
            self.swap(first + root, first + child)
            root = child

    def choose_pivot(self, low: int, high: int) -> tuple[int, bool, bool]:
        """Return the pivot and whether the samples were in ascending or in descending order."""
        quarter = (high - low) // 4
        samples = [low + quarter, low + quarter * 2, low + quarter * 3]
        swaps = 0
        if high - low >= _NINTHER_FROM:
            for position, sample in enumerate(samples):
                samples[position], swaps = self.median(sample - 1, sample, sample + 1, swaps)
        first, second, third = samples
        pivot, swaps = self.median(first, second, third, swaps)
        return pivot, swaps == 0, swaps == _ALL_SWAPPED

    def median(self, a: int, b: int, c: int, swaps: int) -> tuple[int, int]:
        if self.less(b, a):
            a, b, swaps = b, a, swaps + 1
        if self.less(c, b):
            b, c, swaps = c, b, swaps + 1
        if self.less(b, a):
            a, b, swaps = b, a, swaps + 1
        return b, swaps

    def repair(self, low: int, high: int) -> bool:
        """Swap a few neighbours that are out of order; return True when the range is sorted after that."""
        i = low + 1
        for _ in range(_REPAIRS):
            while i < high and not self.less(i, i - 1):
                i += 1
            if i == high:
                return True
            if high - low < _SHIFT_FROM:
                return False
            self.swap(i, i - 1)
            if i - low >= 2:
                j = i - 1
                while j >= 1 and self.less(j, j - 1):
                    self.swap(j, j - 1)
                    j -= 1
            if high - i >= 2:
                j = i + 1
                while j < high and self.less(j, j - 1):
                    self.swap(j, j - 1)
                    j += 1
        return False

    def scatter(self, low: int, high: int) -> None:
        """Swap three elements around the middle with pseudo-random ones (xorshift seeded with the length)."""
        length = state = high - low
        mask = (1 << length.bit_length()) - 1
        middle = low + length // 4 * 2
        for i in (middle - 1, middle, middle + 1):
            state ^= state << 13 & _WORD
            state ^= state >> 7
            state ^= state << 17 & _WORD
            other = state & mask
            self.swap(i, low + (other - length if other >= length else other))

    def partition(self, low: int, high: int, pivot: int) -> tuple[int, bool]:
        """Return where the pivot ends up, and whether nothing had to move."""
        self.swap(low, pivot)
        i, j, moved = low + 1, high - 1, False
        while True:
            while i <= j and self.less(i, low):
                i += 1
            while i <= j and not self.less(j, low):
                j -= 1
            if i > j:
                break
            self.swap(i, j)
            i, j, moved = i + 1, j - 1, True
        self.swap(j, low)
        return j, not moved

    def partition_equal(self, low: int, high: int, pivot: int) -> int:
        """Move the elements that equal the pivot to the front; return where the others begin."""
        self.swap(low, pivot)
        i, j = low + 1, high - 1
        while True:
            while i <= j and not self.less(low, i):
                i += 1
            while i <= j and self.less(low, j):
                j -= 1
            if i > j:
                return i
            self.swap(i, j)
            i, j = i + 1, j - 1
