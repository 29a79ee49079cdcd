"""Soft sparsity: how few entries of a weight vector say nearly all, and what the rest costs.

Letters: a_1 >= a_2 >= ... the |w_i| in decreasing order (ties: lower index first), sigma_s(w)_p the
l_p norm of all but the s largest, ||w||_q = (sum |w_i|^q)^{1/q} also for q < 1, h the inputs of a
layer with G = E h h^T, D = W - W' what pruning takes out of the weights W.
Sources: Yang, Wang and Ding, arXiv 2206.05604; Diao, Wang et al., ICLR 2023 (PQ index); Gao, Ing
and Yang, J. Approx. Theory 166, 2013. Labels: [derived] proved for this project, [seen] read in a
public source, [recalled] from memory.
"""
