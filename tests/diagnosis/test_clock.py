from pitfalls.diagnosis import clock


class _Machine:
    """Time on the wall and of the processor, moved by hand."""

    def __init__(self):
        self.wall = self.worked = 0.0

    def monotonic(self):
        return self.wall

    def process_time(self):
        return self.worked


def test_waiting_for_a_processor_that_others_hold_does_not_count_up_to_three_quarters(monkeypatch):
    machine = _Machine()
    monkeypatch.setattr(clock, "time", machine)
    watch = clock.Stopwatch()
    for wall, worked, counted in [
        (1.0, 1.0, 1.0),
        (2.0, 4.0, 2.0),  # two threads work two seconds each
        (10.0, 6.0, 6.0),
        (100.0, 6.0, 25.0),  # asleep, or on a device of its own
    ]:
        machine.wall, machine.worked = wall, worked
        assert watch.elapsed() == counted
        assert watch.wall() == wall
