"""Compiled (Numba) and GPU (CuPy) twins of the hot loops, imported only where they are used.

Each module stands alone; its plain twin in the Array API standard is beside the public function.
"""
