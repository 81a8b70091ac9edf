"""What a run shows: a live bar on a terminal, a line per epoch everywhere, a table at the end."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from minidl.train.trainer import Epoch, Watcher


class ProgressBar(Watcher):
    """One bar for the whole run, with loss, accuracy, images per second and the time left.

    Where there is no terminal, or only a dumb one, just the lines of the epochs are printed, with
    no control characters.
    """

    def __init__(
        self, console: Console, epochs: int, images_per_epoch: int, images_done: int = 0
    ) -> None:
        self.console, self.epochs = console, epochs
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
            disable=not console.is_interactive,
        )
        self._task = self._progress.add_task(
            f"epoch {min(images_done // images_per_epoch + 1, epochs)}/{epochs}",
            total=epochs * images_per_epoch,
            completed=images_done,
            state="",
        )

    def __enter__(self) -> ProgressBar:
        self._progress.start()
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def on_step(self, epoch: int, images: int, loss: float, accuracy: float) -> None:
        """Move the bar."""
        speed = self._progress.tasks[0].speed or 0.0
        self._progress.update(
            self._task,
            advance=images,
            description=f"epoch {epoch}/{self.epochs}",
            state=f"loss {loss_text(loss)}  {accuracy:.1%}  {speed:,.0f} images/s",
        )

    def on_epoch(self, epoch: Epoch) -> None:
        """Print the epoch's line, above the bar; it fits into 80 columns."""
        self.console.print(
            f"epoch {epoch.epoch:{len(str(self.epochs))}}/{self.epochs}  "
            f"train loss {loss_text(epoch.train_loss)}, {epoch.train_accuracy:6.2%}  "
            f"test loss {loss_text(epoch.test_loss)}, {epoch.test_accuracy:6.2%}  "
            f"{epoch.seconds:.{0 if epoch.seconds >= 100 else 1}f} s",
            highlight=False,
            soft_wrap=True,
        )


def loss_text(loss: float) -> str:
    """Four decimals; of a training that diverged, the size.

    >>> loss_text(0.12345), loss_text(14526214239893012480.0)
    ('0.1235', '1.5e+19')
    """
    return f"{loss:.4f}" if abs(loss) < 1000 else f"{loss:.1e}"


def closing_table(title: str, rows: dict[str, str]) -> Table:
    """Names and values of what a run ended with."""
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, Text(value))  # Text: no markup, “[plot]” is meant literally
    return table
