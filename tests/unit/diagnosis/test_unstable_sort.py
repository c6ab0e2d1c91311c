"""Go's sort, step by step."""

from functools import cmp_to_key

from hypothesis import given
from hypothesis import strategies as st

from kubectl_mesh.diagnosis.unstable_sort import sort_unstable, sort_unstable_by


@given(st.lists(st.integers(0, 30), max_size=300))
def test_sorts(numbers: list[int]) -> None:
    """The result is sorted and holds the same items."""
    assert sort_unstable(numbers, less=lambda one, other: one < other) == sorted(numbers)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers()), max_size=12))
def test_short_lists_stay_stable(pairs: list[tuple[int, int]]) -> None:
    """Up to twelve items Go uses insertion sort, which keeps equal items in order."""
    expected = sorted(pairs, key=cmp_to_key(lambda one, other: one[0] - other[0]))
    assert sort_unstable(pairs, less=lambda one, other: one[0] < other[0]) == expected


def test_ascending_and_descending_runs_are_recognised() -> None:
    """Long sorted and reversed lists come out sorted."""
    ascending = list(range(200))
    assert sort_unstable(ascending, less=lambda one, other: one < other) == ascending
    assert sort_unstable(ascending[::-1], less=lambda one, other: one < other) == ascending


@given(st.lists(st.integers(0, 5), max_size=200))
def test_a_relation_that_is_no_order_loses_nothing(numbers: list[int]) -> None:
    """Where the comparison contradicts itself the items are still all there."""
    result = sort_unstable(numbers, less=lambda one, other: (one - other) % 3 == 1)
    assert sorted(result) == sorted(numbers)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers()), max_size=60))
def test_keys_give_what_their_comparison_gives(pairs: list[tuple[int, int]]) -> None:
    """Sorting by keys leaves items as comparing the keys does, whether some are equal or none."""
    expected = sort_unstable(pairs, less=lambda one, other: one[0] < other[0])
    assert sort_unstable_by(pairs, key=lambda pair: pair[0]) == expected


def test_equal_keys_come_out_in_gos_order() -> None:
    """Sixty items in four groups of equal keys are left in the order that Go 1.26 leaves them."""
    pairs = [(i * 7 % 4, i) for i in range(60)]
    result = sort_unstable(pairs, less=lambda one, other: one[0] < other[0])
    assert [i for _, i in result] == GO_ORDER


def test_a_relation_that_is_no_order_gives_gos_result() -> None:
    """Where some items compare with nothing, the order is still the one Go 1.26 leaves."""
    keys = [(i * i * 31 + i * 17) % 101 for i in range(120)]

    def less(one: int, other: int) -> bool:
        return keys[one] % 5 != 0 and keys[other] % 5 != 0 and keys[one] < keys[other]

    assert sort_unstable(range(120), less=less) == GO_RESULT


# fmt: off
GO_ORDER = [
    52, 48, 56, 32, 4, 24, 28, 8, 16, 36, 0, 20, 12, 40, 44, 7, 15, 43, 47, 19, 11, 39, 51, 23, 55, 35, 3, 27, 59,
    31, 30, 6, 26, 58, 34, 2, 22, 54, 38, 50, 18, 10, 42, 46, 14, 45, 17, 13, 41, 49, 21, 9, 29, 53, 37, 5, 25,
    57, 33, 1
]
GO_RESULT = [
    60, 88, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 59, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 119, 25, 118, 27, 28,
    29, 30, 31, 32, 117, 34, 116, 36, 37, 38, 39, 115, 114, 42, 113, 44, 45, 46, 0, 48, 49, 50, 111, 52, 53, 54,
    110, 58, 109, 108, 13, 112, 61, 62, 107, 106, 105, 66, 67, 68, 104, 70, 71, 72, 103, 74, 75, 76, 102, 78, 101,
    100, 81, 82, 83, 84, 99, 86, 98, 1, 89, 90, 91, 92, 93, 97, 95, 65, 55, 77, 43, 87, 33, 63, 57, 80, 40, 24,
    96, 41, 79, 26, 94, 35, 85, 51, 69, 47, 73, 64, 56
]
# fmt: on
