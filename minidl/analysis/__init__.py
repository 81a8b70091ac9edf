"""What a network costs: shapes, parameters, multiply-accumulates, memory, time."""
