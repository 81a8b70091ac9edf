"""BN-Inception as its published weights have it: every convolution with its shapes.

Columns: name, kernel size, stride, channels in and out, height and width of the output for an image
of 224×224. The padding is half the kernel size, rounded down. Each has a bias, then batch norm
(named with "_bn") and ReLU; after the mean of the last maps comes "last_linear", 1024 → classes.
"""

TABLE = """
conv1_7x7_s2                   7 2    3   64  112
conv2_3x3_reduce               1 1   64   64   56
conv2_3x3                      3 1   64  192   56
inception_3a_1x1               1 1  192   64   28
inception_3a_3x3_reduce        1 1  192   64   28
inception_3a_3x3               3 1   64   64   28
inception_3a_double_3x3_reduce 1 1  192   64   28
inception_3a_double_3x3_1      3 1   64   96   28
inception_3a_double_3x3_2      3 1   96   96   28
inception_3a_pool_proj         1 1  192   32   28
inception_3b_1x1               1 1  256   64   28
inception_3b_3x3_reduce        1 1  256   64   28
inception_3b_3x3               3 1   64   96   28
inception_3b_double_3x3_reduce 1 1  256   64   28
inception_3b_double_3x3_1      3 1   64   96   28
inception_3b_double_3x3_2      3 1   96   96   28
inception_3b_pool_proj         1 1  256   64   28
inception_3c_3x3_reduce        1 1  320  128   28
inception_3c_3x3               3 2  128  160   14
inception_3c_double_3x3_reduce 1 1  320   64   28
inception_3c_double_3x3_1      3 1   64   96   28
inception_3c_double_3x3_2      3 2   96   96   14
inception_4a_1x1               1 1  576  224   14
inception_4a_3x3_reduce        1 1  576   64   14
inception_4a_3x3               3 1   64   96   14
inception_4a_double_3x3_reduce 1 1  576   96   14
inception_4a_double_3x3_1      3 1   96  128   14
inception_4a_double_3x3_2      3 1  128  128   14
inception_4a_pool_proj         1 1  576  128   14
inception_4b_1x1               1 1  576  192   14
inception_4b_3x3_reduce        1 1  576   96   14
inception_4b_3x3               3 1   96  128   14
inception_4b_double_3x3_reduce 1 1  576   96   14
inception_4b_double_3x3_1      3 1   96  128   14
inception_4b_double_3x3_2      3 1  128  128   14
inception_4b_pool_proj         1 1  576  128   14
inception_4c_1x1               1 1  576  160   14
inception_4c_3x3_reduce        1 1  576  128   14
inception_4c_3x3               3 1  128  160   14
inception_4c_double_3x3_reduce 1 1  576  128   14
inception_4c_double_3x3_1      3 1  128  160   14
inception_4c_double_3x3_2      3 1  160  160   14
inception_4c_pool_proj         1 1  576  128   14
inception_4d_1x1               1 1  608   96   14
inception_4d_3x3_reduce        1 1  608  128   14
inception_4d_3x3               3 1  128  192   14
inception_4d_double_3x3_reduce 1 1  608  160   14
inception_4d_double_3x3_1      3 1  160  192   14
inception_4d_double_3x3_2      3 1  192  192   14
inception_4d_pool_proj         1 1  608  128   14
inception_4e_3x3_reduce        1 1  608  128   14
inception_4e_3x3               3 2  128  192    7
inception_4e_double_3x3_reduce 1 1  608  192   14
inception_4e_double_3x3_1      3 1  192  256   14
inception_4e_double_3x3_2      3 2  256  256    7
inception_5a_1x1               1 1 1056  352    7
inception_5a_3x3_reduce        1 1 1056  192    7
inception_5a_3x3               3 1  192  320    7
inception_5a_double_3x3_reduce 1 1 1056  160    7
inception_5a_double_3x3_1      3 1  160  224    7
inception_5a_double_3x3_2      3 1  224  224    7
inception_5a_pool_proj         1 1 1056  128    7
inception_5b_1x1               1 1 1024  352    7
inception_5b_3x3_reduce        1 1 1024  192    7
inception_5b_3x3               3 1  192  320    7
inception_5b_double_3x3_reduce 1 1 1024  192    7
inception_5b_double_3x3_1      3 1  192  224    7
inception_5b_double_3x3_2      3 1  224  224    7
inception_5b_pool_proj         1 1 1024  128    7
"""

LAYERS = {
    name: tuple(int(number) for number in numbers)
    for name, *numbers in (line.split() for line in TABLE.strip().splitlines())
}
