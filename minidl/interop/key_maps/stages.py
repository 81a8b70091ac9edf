"""Maps of networks of numbered stages: MobileNet v1 and v2, EfficientNet.

Our blocks are "stage2.0", "stage2.1" … The blocks of stage 1 don't expand, and published names
often count a block's modules, so that these have names of their own.
"""

from collections.abc import Callable, Iterator

Pairs = tuple[tuple[str, str], ...]


def blocks(
    layers: tuple[int, ...], first: Pairs, others: Pairs, place: Callable[[int, int, int], str]
) -> Iterator[tuple[str, str]]:
    """The pairs of all blocks.

    Args:
        layers: how many blocks there are in each stage.
        first, others: the pairs of a block, in stage 1 and in the others.
        place: (stage from 1, block in the stage, block in the network; both from 0) → their block.

    >>> conv = (("conv", "conv_pw"),)
    >>> list(blocks((1, 1), conv, conv, lambda stage, block, number: f"blocks.{number}"))
    [('stage1.0.conv', 'blocks.0.conv_pw'), ('stage2.0.conv', 'blocks.1.conv_pw')]

    """
    places = ((stage, block) for stage, n in enumerate(layers, start=1) for block in range(n))
    for number, (stage, block) in enumerate(places):
        for ours, theirs in first if stage == 1 else others:
            yield f"stage{stage}.{block}.{ours}", f"{place(stage, block, number)}.{theirs}"


def timm(layers: tuple[int, ...], first: Pairs, others: Pairs, head: bool = True) -> Pairs:
    """timm's names, with the stem's, the dense layer's, and those of a 1×1 convolution before it.

    Their stages are counted from 0, and their blocks in the stage.
    """
    return (
        ("stem.conv", "conv_stem"),
        ("stem.bn", "bn1"),
        *blocks(layers, first, others, lambda stage, block, number: f"blocks.{stage - 1}.{block}"),
        *((("head.conv", "conv_head"), ("head.bn", "bn2")) if head else ()),
        ("fc", "classifier"),
    )
