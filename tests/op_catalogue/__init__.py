"""Every differentiable operation, with its inputs, its naive truth and PyTorch's spelling of it.

The same list serves the tests of values, gradients, gradients of gradients, dtypes, memory
layouts, mutants, golden values and the live comparison with PyTorch.
"""

from op_catalogue.elementwise import OPERATIONS as ELEMENTWISE
from op_catalogue.networks import OPERATIONS as NETWORKS
from op_catalogue.operation import Operation
from op_catalogue.rearranging import OPERATIONS as REARRANGING

OPERATIONS: list[Operation] = [*ELEMENTWISE, *REARRANGING, *NETWORKS]
BY_NAME = {operation.name: operation for operation in OPERATIONS}
assert len(BY_NAME) == len(OPERATIONS), "two operations share a name"
