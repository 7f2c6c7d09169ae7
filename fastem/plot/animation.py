"""EM pass by pass: numbered frames and animations from a record."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from fastem import validation
from fastem.plot.clusters import clusters
from fastem.plot.style import column_indices, column_names, figure
from fastem.recorder import Recorder

#: The last frame of an animation stays so much longer.
LAST_FRAME = 6
GIF_COLOURS = 128


def frames(
    record: Recorder,
    X: ArrayLike,
    pattern: str | os.PathLike,
    *,
    columns: Sequence[int | str] | None = None,
) -> list[Path]:
    """Draw each pass of a record to a numbered picture.

    Parameters
    ----------
    record : Recorder
        Given to a fit as its callback.
    X : (n_samples, n_features) array-like
        The rows of that fit.
    pattern : str or path
        Name of each file, with `{iteration}` and, if you like, `{k}`, the number of components:
        "em-{iteration:02d}-clusters-{k:02d}.png". The ending chooses the format: .png, .jpg and
        others that Pillow knows.
    columns : two columns to draw, by number or name, optional

    Returns
    -------
    paths : list of Path
        In the order of the passes, counted from 0: the start.

    Raises
    ------
    TypeError
        If record is no Recorder, or pattern no path.
    ValueError
        If the record is empty, the pattern cannot be filled in or would name two frames alike,
        Pillow does not know its ending, or X has other columns or not two are drawn.
    OSError
        If a file cannot be written.

    Examples
    --------
    >>> import fastem, numpy as np, tempfile
    >>> X, record = np.random.default_rng(0).normal(size=(50, 2)), fastem.Recorder()
    >>> fitted = fastem.fit(X, 2, n_init=1, max_iter=1, random_state=0, callback=record)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in frames(record, X, folder + "/em-{iteration}.png")]
    ['em-0.png', 'em-1.png', 'em-2.png']
    """
    _check(record)
    pattern = validation.path(pattern, "pattern")
    K = record[0].mixture.n_components
    try:
        paths = [Path(pattern.format(iteration=i, k=K)) for i in range(len(record))]
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(
            f"pattern is {pattern!r}, which cannot be filled in ({error!r}); use {{iteration}} "
            f"and {{k}}, such as 'em-{{iteration:02d}}-clusters-{{k:02d}}.png'"
        ) from None
    if len(set(paths)) < len(paths):
        raise ValueError(
            f"pattern is {pattern!r}, which names {len(paths)} frames alike; "
            f"put {{iteration}} in it, such as 'em-{{iteration:02d}}.png'"
        )
    unknown = {path.suffix.lower() for path in paths} - Image.registered_extensions().keys()
    if unknown:
        raise ValueError(
            f"pattern is {pattern!r}, but Pillow knows no pictures that end in "
            f"{', '.join(map(repr, sorted(unknown)))}; end it in .png"
        )
    for path, picture in zip(paths, _pictures(record, X, columns), strict=True):
        Image.fromarray(picture).save(path)
    return paths


def animate(
    record: Recorder,
    X: ArrayLike,
    path: str | os.PathLike,
    *,
    columns: Sequence[int | str] | None = None,
    fps: float = 5.0,
) -> Path:
    """Draw a record as one animation, a GIF or, where ffmpeg is on the PATH, an MP4.

    Parameters
    ----------
    record : Recorder
        Given to a fit as its callback.
    X : (n_samples, n_features) array-like
        The rows of that fit.
    path : str or path
        Ends in .gif or .mp4. Written whole or not at all.
    columns : two columns to draw, by number or name, optional
    fps : float, default 5
        Passes a second; the last one stays longer.

    Returns
    -------
    path : Path

    Raises
    ------
    TypeError
        If record is no Recorder, path no path or fps no number.
    ValueError
        If the record is empty, the ending is another, fps is below 0.1, or X has other columns or
        not two are drawn.
    FileNotFoundError
        If an MP4 is asked for and there is no ffmpeg.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import fastem, numpy as np, tempfile
    >>> X, record = np.random.default_rng(0).normal(size=(50, 2)), fastem.Recorder()
    >>> fitted = fastem.fit(X, 2, n_init=1, max_iter=1, random_state=0, callback=record)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     animate(record, X, folder + "/em.gif").name
    'em.gif'
    """
    _check(record)
    path = Path(validation.path(path, "path"))
    ending = validation.choice(path.suffix.lower(), "the ending of path", WRITERS)
    fps = validation.real(fps, "fps", least=0.1)
    if ending == ".mp4" and shutil.which("ffmpeg") is None:
        raise FileNotFoundError(
            f"{path} needs ffmpeg, which is not on the PATH; install it, or name a .gif"
        )
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        part = Path(folder) / path.name
        WRITERS[ending](_pictures(record, X, columns), part, fps)
        os.replace(part, path)
    return path


def _write_gif(pictures: Iterator[NDArray[np.uint8]], path: Path, fps: float) -> None:
    images = [Image.fromarray(picture) for picture in pictures]
    # One palette for all frames, from the last one, so that colours do not flicker.
    palette = images[-1].quantize(GIF_COLOURS)
    first, *others = [i.quantize(palette=palette, dither=Image.Dither.NONE) for i in images]
    length = max(round(1000 / fps), 20)
    lengths = [length] * len(others) + [LAST_FRAME * length]
    first.save(path, save_all=True, append_images=others, duration=lengths, loop=0)


def _write_mp4(pictures: Iterator[NDArray[np.uint8]], path: Path, fps: float) -> None:
    first = next(pictures)
    height, width = first.shape[:2]
    command = ["ffmpeg", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{width}x{height}", "-r", f"{fps:g}", "-i", "-"]
    # Players want even sides and this layout of colours.
    command += ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", str(path)]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=said) as run,
    ):
        assert run.stdin is not None
        try:
            for last in itertools.chain([first], pictures):
                run.stdin.write(last.tobytes())
            run.stdin.write(last.tobytes() * (LAST_FRAME - 1))
            run.stdin.close()
        except BrokenPipeError:
            pass  # ffmpeg gave up, and says why
        if run.wait():
            said.seek(0)
            raise OSError(f"ffmpeg could not write {path.name}: {said.read().decode().strip()}")


WRITERS = {".gif": _write_gif, ".mp4": _write_mp4}


def _check(record: Recorder) -> None:
    wanted = "the fastem.Recorder that was the callback of a fit"
    validation.instance(record, "record", Recorder, wanted)
    if not len(record):
        raise ValueError("record is empty; give it to a fit first: fit(X, 2, callback=record)")


def _pictures(
    record: Recorder, X: ArrayLike, columns: Sequence[int | str] | None
) -> Iterator[NDArray[np.uint8]]:
    """Each pass as an array (height, width, 3), all in the same window."""
    rows = validation.rows(X, n_features=record[0].mixture.n_features)
    chosen = column_indices(columns, column_names(X, rows.shape[1])) or list(range(rows.shape[1]))
    if len(chosen) != 2:
        raise ValueError(
            f"an animation draws two columns, not {len(chosen)}; choose them, such as "
            f"columns=[0, 1]"
        )
    low, high = rows[:, chosen].min(axis=0), rows[:, chosen].max(axis=0)
    margin = 0.04 * (high - low)
    ax = figure(size=(6.4, 4.6))[0, 0]
    canvas = FigureCanvasAgg(ax.figure)
    for i, one in enumerate(record):
        ax.clear()
        clusters(one.mixture, X, ax, columns, outline="contours")
        level = f"{one.log_likelihood:.4f}".replace("-", "\N{MINUS SIGN}")
        ax.set_title(f"EM, pass {i}: log-likelihood {level} a row", loc="left")
        ax.set_xlim(low[0] - margin[0], high[0] + margin[0])
        ax.set_ylim(low[1] - margin[1], high[1] + margin[1])
        canvas.draw()
        if i == 0:
            # Settled by the first frame: a layout that follows each title would shake the picture.
            ax.figure.set_layout_engine("none")
        yield np.asarray(canvas.buffer_rgba())[..., :3].copy()
