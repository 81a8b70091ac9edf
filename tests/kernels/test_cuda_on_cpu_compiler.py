"""Finding g++, the cache of compiled kernels, and reading sources with their headers."""

import shutil

import numpy as np
import pytest

from minidl_kernels.common import cuda_launch
from minidl_kernels.common.errors import MinidlError
from minidl_kernels.cuda_on_cpu import compiler
from minidl_kernels.cuda_on_cpu.errors import CompilationError, MissingCompilerError
from minidl_kernels.cuda_on_cpu.loader import RawModule

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="cuda_on_cpu needs g++")

KERNEL = '#include "middle.cuh"\nextern "C" __global__ void give(int* y) { y[0] = ANSWER; }\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A kernel that gets a number from a header's header; and an empty cache."""
    monkeypatch.setenv("MINIDL_CACHE", str(tmp_path / "cache"))
    (tmp_path / "kernel.cu").write_text(KERNEL)
    (tmp_path / "middle.cuh").write_text('#pragma once\n#include "deep.cuh"\n')
    (tmp_path / "deep.cuh").write_text("#pragma once\n#define ANSWER 1\n")
    return tmp_path


@pytest.fixture
def compilations(monkeypatch):
    """The libraries that were really compiled."""
    compiled, real = [], compiler._compile

    def compile_and_count(unit, flags, library):
        compiled.append(library.name)
        real(unit, flags, library)

    monkeypatch.setattr(compiler, "_compile", compile_and_count)
    return compiled


def answer(module):
    y = np.zeros(1, np.int32)
    module.get_function("give")((1,), (1,), (y,))
    return y[0]


@needs_compiler
def test_second_module_of_the_same_source_comes_from_the_cache(folder, compilations):
    for _ in range(2):
        assert answer(RawModule(path=folder / "kernel.cu")) == 1
    assert len(compilations) == 1
    assert [path.name for path in (folder / "cache/cuda_on_cpu").iterdir()] == compilations


@needs_compiler
@pytest.mark.parametrize("by_path", [True, False])
def test_changed_header_of_a_header_is_compiled_again(folder, compilations, by_path):
    def module():
        if by_path:
            return RawModule(path=folder / "kernel.cu")
        return RawModule(code=KERNEL, options=(f"-I{folder}",))

    assert answer(module()) == 1
    (folder / "deep.cuh").write_text("#pragma once\n#define ANSWER 2\n")
    assert answer(module()) == 2
    assert len(compilations) == 2


@needs_compiler
def test_options_belong_to_the_key(folder):
    code = 'extern "C" __global__ void give(int* y) { y[0] = ANSWER; }'
    assert answer(RawModule(code=code, options=("-DANSWER=3",))) == 3
    assert answer(RawModule(code=code, options=("-DANSWER=4", "--use_fast_math"))) == 4


@needs_compiler
def test_templates_of_two_versions_do_not_share_their_shared_memory(folder):
    """The dynamic linker would merge equally named statics of two libraries into one."""
    code = """
        template <int value> __global__ void give(int* y) {
            __shared__ int box[4];
            y[0] = box[0] == -1 ? VERSION : 0;
            box[0] = value;
        }"""
    for version in (1, 2):
        module = RawModule(
            code=code, options=(f"-DVERSION={version}",), name_expressions=["give<7>"]
        )
        y = np.zeros(1, np.int32)
        for _ in range(2):
            module.get_function("give<7>")((1,), (1,), (y,))
            assert y[0] == version


@needs_compiler
def test_failed_compilation_shows_what_gpp_says_and_leaves_nothing_behind(folder):
    module = RawModule(code='extern "C" __global__ void give(int* y) {\n    y[0] = oops;\n}')
    with pytest.raises(CompilationError, match=r"kernel\.cu:2.*oops"):
        module.get_function("give")
    assert list((folder / "cache/cuda_on_cpu").iterdir()) == []


@needs_compiler
def test_unknown_kernel_names_those_there_are(folder):
    module = RawModule(path=folder / "kernel.cu")
    with pytest.raises(CompilationError, match="no kernel 'give_it', only \\['give'\\]"):
        module.get_function("give_it")


def test_two_declarations_of_dynamic_shared_memory_are_refused():
    code = """
        extern "C" __global__ void f() { extern __shared__ float a[]; }
        extern "C" __global__ void g() { extern __shared__ int b[]; }"""
    with pytest.raises(CompilationError, match="one and the same memory"):
        RawModule(code=code).get_function("f")


def test_exactly_one_of_code_and_path_as_in_cupy():
    with pytest.raises(TypeError, match="exactly one"):
        RawModule()
    with pytest.raises(TypeError, match="exactly one"):
        RawModule(code="", path="kernel.cu")


def test_missing_compiler_says_what_to_install(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MissingCompilerError, match="apt install g\\+\\+") as caught:
        RawModule(code='extern "C" __global__ void f() {}').get_function("f")
    assert isinstance(caught.value, MinidlError)


def test_other_systems_than_linux_are_told_so(monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(MissingCompilerError, match="Linux only, not on darwin"):
        compiler.find_compiler()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"MINIDL_CACHE": "{}/m", "XDG_CACHE_HOME": "{}/x"}, "m/cuda_on_cpu"),
        ({"XDG_CACHE_HOME": "{}/x"}, "x/minidl/cuda_on_cpu"),
        ({"HOME": "{}/home"}, "home/.cache/minidl/cuda_on_cpu"),
    ],
)
def test_cache_folder_follows_the_environment(tmp_path, monkeypatch, environment, expected):
    for name in ("MINIDL_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    assert compiler.cache_folder() == tmp_path / expected


# ---------------------------------------------------------------------------- read_source


@pytest.fixture
def sources(tmp_path, monkeypatch):
    monkeypatch.setattr(cuda_launch, "KERNELS_FOLDER", tmp_path)
    (tmp_path / "a.cuh").write_text('#pragma once\n#include "b.cuh"\nint a;\n')
    (tmp_path / "b.cuh").write_text("#pragma once\nint b;\n")
    return tmp_path


def test_read_source_puts_each_header_in_once(sources):
    path = sources / "k.cu"
    path.write_text('#include "a.cuh"\n#include "b.cuh"\nint k;\n')
    text = cuda_launch.read_source(path)
    assert "#include" not in text
    assert "#pragma" not in text
    assert [text.count(f"int {name};") for name in "abk"] == [1, 1, 1]
    assert text.index("int b;") < text.index("int a;") < text.index("int k;")


@needs_compiler
@pytest.mark.parametrize(("wrong", "place"), [("k.cu", "k.cu:4"), ("a.cuh", "a.cuh:3")])
def test_read_source_keeps_the_lines_of_messages(sources, wrong, place):
    kernel = 'extern "C" __global__ void f(int* y) { y[0] = a; }\n'
    (sources / "k.cu").write_text(f'// a remark\n#include "a.cuh"\n\n{kernel}')
    text = (sources / wrong).read_text()
    (sources / wrong).write_text(text.replace("a; }", "oops; }").replace("int a;", "oops a;"))
    with pytest.raises(CompilationError, match=place):
        RawModule(code=cuda_launch.read_source(sources / "k.cu")).get_function("f")
