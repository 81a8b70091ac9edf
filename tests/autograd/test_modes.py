"""no_grad and its relatives, per thread; anomaly mode."""

import threading
import warnings

import pytest

import minidl
from minidl.errors import AutogradError, DTypeError
from minidl.grad_mode import anomaly_enabled


@pytest.fixture
def x():
    return minidl.tensor([1.0, -2.0], requires_grad=True)


def test_no_grad_records_nothing(x):
    with minidl.no_grad():
        y = x * 2
    assert not y.requires_grad
    assert y.grad_fn is None


def test_no_grad_as_a_decorator(x):
    @minidl.no_grad()
    def double(t):
        """Doc."""
        return t * 2

    assert not double(x).requires_grad
    assert (double.__name__, double.__doc__) == ("double", "Doc.")
    assert (x * 2).requires_grad


def test_decorated_function_may_call_itself(x):
    @minidl.no_grad()
    def count(n):
        return (0 if n == 0 else count(n - 1)) + minidl.is_grad_enabled()

    assert count(3) == 0
    assert minidl.is_grad_enabled()


def test_nesting_puts_back_what_was_there(x):
    with minidl.no_grad():
        with minidl.enable_grad():
            assert minidl.is_grad_enabled()
            with minidl.no_grad():
                assert not minidl.is_grad_enabled()
            assert minidl.is_grad_enabled()
        assert not minidl.is_grad_enabled()


def test_one_object_may_be_entered_again_while_it_is_entered():
    off = minidl.no_grad()
    with off, minidl.enable_grad(), off:
        assert not minidl.is_grad_enabled()
    assert minidl.is_grad_enabled()
    with off:
        assert not minidl.is_grad_enabled()
    assert minidl.is_grad_enabled()


def test_an_error_puts_the_flag_back():
    with pytest.raises(ZeroDivisionError), minidl.no_grad():
        raise ZeroDivisionError
    assert minidl.is_grad_enabled()


def test_set_grad_enabled_as_a_function_acts_at_once():
    minidl.set_grad_enabled(False)
    assert not minidl.is_grad_enabled()
    minidl.set_grad_enabled(True)
    assert minidl.is_grad_enabled()


def test_set_grad_enabled_as_a_context_and_as_a_decorator():
    with minidl.set_grad_enabled(False):
        assert not minidl.is_grad_enabled()
    assert minidl.is_grad_enabled()

    @minidl.set_grad_enabled(False)
    def inside():
        return minidl.is_grad_enabled()

    assert minidl.is_grad_enabled()
    assert not inside()
    assert minidl.is_grad_enabled()


def test_set_grad_enabled_may_be_entered_twice():
    off = minidl.set_grad_enabled(False)
    with off:
        pass
    assert minidl.is_grad_enabled()
    with off:
        assert not minidl.is_grad_enabled()
    assert minidl.is_grad_enabled()


def test_a_generator_is_refused_because_its_body_runs_later():
    with pytest.raises(DTypeError, match=r"steps is a generator or coroutine.*Use `with`"):

        @minidl.no_grad()
        def steps():
            yield 1


def test_the_flag_belongs_to_its_thread():
    seen, inside, go_on = {}, threading.Event(), threading.Event()

    def other():
        seen["at start"] = minidl.is_grad_enabled()
        with minidl.no_grad():
            inside.set()
            go_on.wait(5)
        seen["after"] = minidl.is_grad_enabled()

    with minidl.no_grad():
        thread = threading.Thread(target=other)
        thread.start()
        inside.wait(5)
    seen["main"] = minidl.is_grad_enabled()
    go_on.set()
    thread.join()
    assert seen == {"at start": True, "after": True, "main": True}


def test_threads_train_at_the_same_time():
    def work(results, k):
        x = minidl.tensor([float(k)], requires_grad=True)
        y = x
        for _ in range(200):
            y = y + x
        y.sum().backward()
        results[k] = x.grad.item()

    results = {}
    threads = [threading.Thread(target=work, args=(results, k)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == dict.fromkeys(range(4), 201.0)


def test_anomaly_mode_names_the_first_operation_forward(x):
    with minidl.detect_anomaly(), pytest.raises(AutogradError) as caught:
        (x * 2).sqrt().sum()
    assert str(caught.value).startswith("The forward pass of Sqrt produced NaN")


def test_anomaly_mode_names_the_first_operation_backward():
    x = minidl.tensor([0.0], requires_grad=True)
    y = (x.sqrt() * 0.0).sum()  # 0 · inf
    with minidl.detect_anomaly(), pytest.raises(AutogradError) as caught:
        y.backward()
    assert str(caught.value).startswith("The backward pass of Sqrt produced NaN")


def test_anomaly_mode_ends_with_its_block(x):
    with minidl.detect_anomaly():
        assert anomaly_enabled()
    assert not anomaly_enabled()


def test_anomaly_mode_lets_infinities_and_tensors_without_data_pass():
    with minidl.detect_anomaly():
        minidl.tensor([0.0]).log()
        minidl.zeros(2, backend="meta").exp()


def test_infinity_and_nan_are_results_without_warnings():
    x = minidl.tensor([0.0, -1.0, 1e38], requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = x.log() + 1 / x + (x * x).exp() + x.sqrt()
        y.backward(minidl.tensor([float("inf"), float("nan"), 1e38]))
        assert not (x.detach() > y.detach()).all()
        minidl.functional.sign(y.detach())
