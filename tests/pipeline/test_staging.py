"""Folders and files appear whole or not at all."""

import pytest

from evaluation.pipeline.staging import publish, staged, write_if_changed


def test_a_folder_takes_the_place_of_the_old_one(tmp_path):
    folder = tmp_path / "result"
    folder.mkdir()
    (folder / "old").touch()
    with staged(folder) as staging:
        (staging / "new").touch()
        assert (folder / "old").exists()
    assert [path.name for path in folder.iterdir()] == ["new"] and [path.name for path in tmp_path.iterdir()] == ["result"]


def test_an_error_leaves_the_old_folder(tmp_path):
    folder = tmp_path / "result"
    folder.mkdir()
    (folder / "old").touch()
    with pytest.raises(RuntimeError), staged(folder) as staging:
        (staging / "half").touch()
        raise RuntimeError
    assert [path.name for path in folder.iterdir()] == ["old"] and [path.name for path in tmp_path.iterdir()] == ["result"]


def test_what_a_killed_run_left_is_cleared(tmp_path):
    (tmp_path / "result.staging").mkdir()
    (tmp_path / "result.staging" / "half").touch()
    with staged(tmp_path / "result") as staging:
        assert not list(staging.iterdir())


def test_publish_is_all_or_nothing(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"new {name}")
    place = tmp_path / "place"
    place.mkdir()
    (place / "a").write_text("old a")
    with pytest.raises(FileNotFoundError):
        publish({place / "a": tmp_path / "a", place / "b": tmp_path / "missing"})
    assert (place / "a").read_text() == "old a" and [path.name for path in place.iterdir()] == ["a"]
    publish({place / "a": tmp_path / "a", place / "b": tmp_path / "b"})
    assert (place / "a").read_text() == "new a" and sorted(path.name for path in place.iterdir()) == ["a", "b"]


def test_an_equal_text_is_not_written_again(tmp_path):
    path = tmp_path / "state" / "x.json"
    write_if_changed(path, "1")
    before = path.stat().st_mtime_ns
    write_if_changed(path, "1")
    assert path.stat().st_mtime_ns == before
    write_if_changed(path, "2")
    assert path.read_text() == "2"
