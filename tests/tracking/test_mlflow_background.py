from sknn_tricks.tracking._background import Background


def test_messages_are_consumed_in_order_before_close_returns():
    seen = []
    writer = Background(seen.append)
    for i in range(100):
        writer.put(i)
    writer.close()
    assert seen == list(range(100))
    assert writer.error is None


def test_a_failure_is_kept_and_the_rest_goes_on():
    seen = []

    def consume(number):
        if number == 1:
            raise OSError("no space")
        seen.append(number)

    writer = Background(consume)
    for i in range(4):
        writer.put(i)
    writer.close()
    assert seen == [0, 2, 3]
    assert str(writer.error) == "no space"


def test_three_failures_in_a_row_are_enough():
    tried = []

    def consume(number):
        tried.append(number)
        raise OSError(number)

    writer = Background(consume)
    for i in range(9):
        writer.put(i)
    writer.close()
    assert tried == [0, 1, 2]
    assert str(writer.error) == "0"
