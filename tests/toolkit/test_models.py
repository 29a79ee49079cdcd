"""Models and data from outside: round trips, scikit-learn, the built-in digits, bad files."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pruneproof.digits import cache_folder, cached_file, digits, split
from pruneproof.files import read_arrays
from pruneproof.models import (
    Data,
    labels_of,
    load_data,
    load_network,
    network_from_sklearn,
    save_network,
)
from pruneproof.simulations.files import written_whole
from pruneproof.theory.network.layers import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Flatten,
    MaxPool2d,
    Residual,
)
from pruneproof.theory.network.network import Network

RNG = np.random.default_rng(5)


def every_layer() -> Network:
    def draw(*shape: int) -> Any:
        return RNG.standard_normal(shape)

    return Network(
        [
            Conv2d(draw(4, 1, 3, 3), draw(4), "identity", padding=1),
            BatchNorm(draw(4), draw(4), draw(4), draw(4) ** 2, activation="relu"),
            Residual([Conv2d(draw(4, 4, 3, 1), None, "tanh", padding=(1, 0))], "relu"),
            MaxPool2d(2, 1),
            AvgPool2d((2, 3)),
            Flatten(),
            Dense(draw(6, 16), draw(6), "logistic"),
            Residual([Dense(draw(6, 6)), Residual([Dense(draw(6, 6), draw(6))])]),
            Dense(draw(3, 6)),
        ]
    )


def small() -> Network:
    return Network([Dense(RNG.standard_normal((5, 3)), None, "relu"), Dense(np.ones((2, 5)))])


def arrays_of(path: Path) -> dict[str, Any]:
    with np.load(path) as archive:
        return dict(archive)


def test_every_kind_of_layer_comes_back_bit_for_bit(tmp_path: Path) -> None:
    network, images = every_layer(), RNG.standard_normal((7, 1, 6, 8))
    data = Data(images, np.arange(7) % 3, images[:2], np.arange(2))
    save_network(tmp_path / "net.npz", network, data)
    again = load_network(tmp_path / "net.npz")
    assert [type(layer) for layer in again.layers] == [type(layer) for layer in network.layers]
    np.testing.assert_array_equal(again.forward(images), network.forward(images))
    stored = load_data(tmp_path / "net.npz")
    for key in ("inputs", "targets", "test_inputs", "test_targets"):
        np.testing.assert_array_equal(getattr(stored, key), getattr(data, key))


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_sklearn_models_predict_alike(activation: str) -> None:
    neural = pytest.importorskip("sklearn.neural_network")
    x = RNG.standard_normal((60, 4))
    shared = {"hidden_layer_sizes": (7, 5), "activation": activation, "max_iter": 30}
    for names in (["a", "b"], ["a", "b", "c"]):
        labels = np.asarray(names)[RNG.integers(0, len(names), 60)]
        model = neural.MLPClassifier(**shared, random_state=0).fit(x, labels)
        scores = network_from_sklearn(model).forward(x)
        assert scores.shape == (60, len(names))
        assert list(model.classes_[scores.argmax(1)]) == list(model.predict(x))
        np.testing.assert_array_equal(model.classes_[labels_of(labels, model.classes_)], labels)
    y = RNG.standard_normal((60, 2))
    model = neural.MLPRegressor(**shared, random_state=0).fit(x, y)
    # two products of depth 3 in another order: rounding of about 10 eps times the size of y
    np.testing.assert_allclose(network_from_sklearn(model).forward(x), model.predict(x), atol=1e-13)


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_sklearn_models_that_cannot_be_read() -> None:
    neural = pytest.importorskip("sklearn.neural_network")
    with pytest.raises(ValueError, match="fit it first"):
        network_from_sklearn(neural.MLPClassifier())
    several = (RNG.random((40, 3)) > 0.5).astype(int)
    model = neural.MLPClassifier((4,), max_iter=5).fit(RNG.standard_normal((40, 2)), several)
    with pytest.raises(ValueError, match="several labels"):
        network_from_sklearn(model)
    counts = neural.MLPRegressor(hidden_layer_sizes=(4,), max_iter=5)
    counts.fit(RNG.standard_normal((40, 2)), RNG.poisson(2.0, 40))
    counts.out_activation_ = "exp"  # as newer scikit-learn sets for its Poisson loss
    with pytest.raises(ValueError, match="the exp of its last layer, which is not known"):
        network_from_sklearn(counts)
    with pytest.raises(ValueError, match=r"2 labels that the model does not know .* 7"):
        labels_of([0, 1, 7, 9], [0, 1])


class Trap:
    def __reduce__(self) -> Any:
        return (sys.exit, (77,))


def broken(tmp_path: Path, case: str) -> Path:
    path = tmp_path / "bad.npz"
    save_network(path, small())
    arrays = arrays_of(path)
    if case == "truncated":
        path.write_bytes(path.read_bytes()[:-200])
        return path
    if case == "flipped byte":
        content = bytearray(path.read_bytes())
        content[content.index(b"1.weight.npy") + 50] ^= 255
        path.write_bytes(bytes(content))
        return path
    if case == "zip version":
        content = bytearray(path.read_bytes())
        content[content.index(b"PK\x01\x02") + 6] = 250
        path.write_bytes(bytes(content))
        return path
    if case in ("empty", "text", "pickle", "npy"):
        raw = {"empty": b"", "text": b"layers: Dense\n", "pickle": pickle.dumps(Trap())}
        if case == "npy":
            np.save(tmp_path / "bad.npy", np.ones(3))
            raw["npy"] = (tmp_path / "bad.npy").read_bytes()
        path.write_bytes(raw[case])
        return path
    changes: dict[str, dict[str, Any]] = {
        "object": {"1.weight": np.array([Trap(), None], dtype=object)},
        "nan": {"0.weight": np.where(np.eye(5, 3) > 0, np.nan, 1.0)},
        "chain": {"1.weight": np.ones((2, 4))},
        "bias": {"0.bias": np.ones(4)},
        "type": {"layers": np.array(["Dense", "Danse"])},
        "activation": {"0.activation": np.array("relo")},
        "activation number": {"0.activation": np.array(3.0)},
        "spelling": {"0.wieght": np.ones(3)},
        "too many": {"2.weight": np.ones((2, 2))},
        "layers": {"layers": np.ones(2)},
        "words": {"1.weight": np.array([["a"]])},
    }
    arrays |= changes.get(case, {})
    for missing in ("layers", "1.weight"):
        if case == f"no {missing}":
            del arrays[missing]
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("truncated", "truncated or damaged"),
        ("flipped byte", "damaged"),
        ("zip version", "damaged .*version"),
        ("empty", "not an .npz file"),
        ("text", "not an .npz file"),
        ("pickle", "not an .npz file"),
        ("npy", "not an .npz file"),
        ("object", "'1.weight' is an object array.* refused"),
        ("nan", "'0.weight' has 3 entries that are NaN or infinite"),
        ("chain", "needs 4 inputs, but .* gives 5"),
        ("bias", "bias must have 5 entries, one an output, but has 4"),
        ("type", "layer 1 is of type 'Danse', which is not known"),
        ("activation", "activation must be one of .* 'relo'"),
        ("activation number", "must be one word"),
        ("spelling", "'0.wieght' belongs to no field"),
        ("too many", "'2.weight' belongs to no field"),
        ("layers", "'layers' must be a list of type names"),
        ("words", "'1.weight' has entries of type"),
        ("no layers", "has no key 'layers'"),
        ("no 1.weight", "has no key '1.weight', which a Dense layer needs"),
    ],
)
def test_bad_network_files_get_one_sentence(tmp_path: Path, case: str, sentence: str) -> None:
    path = broken(tmp_path, case)
    with pytest.raises(ValueError, match=sentence) as caught:
        load_network(path)
    message = str(caught.value)
    assert "bad.npz" in message
    assert "\n" not in message


def test_bad_data_files_get_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    for arrays, sentence in (
        ({"x": np.ones(3)}, "has no key 'inputs'"),
        ({"inputs": np.array([[np.inf]])}, "'inputs' has 1 entries that are NaN or infinite"),
        ({"inputs": np.ones((2, 2)), "targets": np.array(["a", "b"])}, "'targets' has entries"),
        ({"inputs": np.array(1.0)}, "one number"),
        ({"inputs": np.ones((0, 3))}, "is empty"),
        ({"inputs": np.ones((2, 2)), "target": np.ones(2)}, "'target' is no key, but 'targets' is"),
    ):
        np.savez(path, **arrays)
        with pytest.raises(ValueError, match=sentence):
            load_data(path)
    with pytest.raises(ValueError, match="there is no file"):
        load_data(tmp_path / "none.npz")


def test_a_file_that_fails_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    path.write_text("before")

    def fail_half_way() -> None:
        with written_whole(path) as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
    with (
        pytest.raises(ValueError, match="cannot write"),
        written_whole(tmp_path / "no" / "net.npz"),
    ):
        pass


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_plain_file_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    pipe, link, file = (tmp_path / name for name in ("pipe", "link", "file"))
    os.mkfifo(pipe)
    file.write_text("before")
    link.symlink_to(file)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    for place in (pipe, link):
        with written_whole(place) as opened:
            opened.write(b"after")
    reader.join(timeout=10)
    assert read == [b"after"]
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert file.read_text() == "after"
    assert len(list(tmp_path.iterdir())) == 3


def test_the_words_for_damaged_bytes_stay_short(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    np.savez(path, layers=["Dense"], weight=np.ones(300))
    content = bytearray(path.read_bytes())
    content[27] ^= 1  # the length of the first name: zipfile quotes all it then takes for the name
    path.write_bytes(content)
    with pytest.raises(ValueError, match="truncated or damaged") as caught:
        read_arrays(path)
    assert len(str(caught.value)) < 200 + len(str(path))
    assert "\n" not in str(caught.value)


def test_digits_are_cached_and_a_damaged_cache_is_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.setenv("PRUNEPROOF_CACHE", str(tmp_path / "cache"))
    network, data = digits()
    assert [layer.weight.shape for layer in network.layers] == [(256, 64), (256, 256), (10, 256)]  # type: ignore[union-attr]
    assert len(data.inputs) == 1348
    assert data.test_inputs is not None
    assert data.test_targets is not None
    right = network.forward(data.test_inputs).argmax(1) == data.test_targets
    assert right.mean() > 0.95
    # the cache answers without scikit-learn
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "sklearn.neural_network", None)
        again, _ = digits()
    np.testing.assert_array_equal(again.layers[1].weight, network.layers[1].weight)  # type: ignore[union-attr]
    cached_file(0).write_bytes(cached_file(0).read_bytes()[:1000])
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "sklearn.neural_network", None)
        with pytest.raises(ValueError, match=r"pruneproof\[sklearn\]"):
            digits()
    repaired, _ = digits()
    assert "0.weight" in read_arrays(cached_file(0))
    assert repaired.parameter_count == network.parameter_count


def test_cache_folder_follows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PRUNEPROOF_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "pruneproof"
    monkeypatch.setenv("PRUNEPROOF_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"


def test_split_is_seeded_and_whole() -> None:
    train, test = split(101, 3)
    assert len(test) == 25
    assert sorted([*train, *test]) == list(range(101))
    np.testing.assert_array_equal(split(101, 3)[1], test)
    assert not np.array_equal(split(101, 4)[1], test)
