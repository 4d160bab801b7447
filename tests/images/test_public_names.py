"""What `pitfalls.images` offers is there, and data work does not wait for torch."""

import subprocess
import sys

import pitfalls.images


def test_every_public_name_can_be_had():
    for name in pitfalls.images.__all__:
        assert getattr(pitfalls.images, name) is not None
    assert set(pitfalls.images.__all__) <= set(dir(pitfalls.images))
    assert not hasattr(pitfalls.images, "no_such_name")


def test_data_and_linear_methods_do_without_torch():
    code = "import sys, pitfalls.images as i; i.load_dataset('digits'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
