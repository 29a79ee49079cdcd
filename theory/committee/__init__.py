"""Soft committee machines: what overlaps of weights say about errors, training and pruning.

Teacher y = sum_m A_m g(B_m . x/sqrt N) + sigma zeta, student v . g(w x/sqrt N), x ~ N(0, I_N). All
of it depends on the overlaps alone, in the letters of Saad and Solla, Phys. Rev. E 52, 1995.
"""
