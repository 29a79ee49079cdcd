(* The residual of any draw of nodes, with repeats or without, seen in the space of samples.

   lemma.sample-space  S_J = lam Phi^T (K_J + lam)^{-1} Phi/n for lam > 0 and node ridges
                       tau_i = lam w_i, w_i > 0, where K_J = (1/n) sum_i phi_i phi_i^T/w_i over the
                       draws i, and S_J = Sigma - Sigma_FJ (Sigma_JJ + I_tau)^{-1} Sigma_JF. *)

From mathcomp Require Import all_ssreflect all_algebra.
From pruneproof Require Import forms.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section SampleSpace.

Variables (R : realFieldType) (n m : nat) (Phi : 'M[R]_(n, m)).
Variables (k : nat) (kept : 'I_k -> 'I_m) (weight : 'I_k -> R).
Hypothesis weight_gt0 : forall i, 0 < weight i.

Let moment := second_moment Phi.

Definition residual (lam : R) : 'M[R]_m :=
  moment - colsub kept moment
    *m invmx (mxsub kept kept moment + diag_mx (\row_i (lam * weight i)))
    *m rowsub kept moment.

Definition drawn_gram : 'M[R]_n :=
  n%:R^-1 *: \sum_i (weight i)^-1 *: (col (kept i) Phi *m (col (kept i) Phi)^T).

Let P := colsub kept Phi.
Let W := diag_mx (\row_i weight i).
Let V := diag_mx (\row_i (weight i)^-1).

Lemma colsub_momentE : colsub kept moment = n%:R^-1 *: (Phi^T *m P).
Proof.
apply/matrixP => i j; rewrite !mxE; congr (_ * _).
by apply: eq_bigr => s _; rewrite !mxE.
Qed.

Lemma rowsub_momentE : rowsub kept moment = n%:R^-1 *: (P^T *m Phi).
Proof.
apply/matrixP => i j; rewrite !mxE; congr (_ * _).
by apply: eq_bigr => s _; rewrite !mxE.
Qed.

Lemma block_momentE : mxsub kept kept moment = n%:R^-1 *: (P^T *m P).
Proof.
apply/matrixP => i j; rewrite !mxE; congr (_ * _).
by apply: eq_bigr => s _; rewrite !mxE.
Qed.

Lemma drawn_gramE : drawn_gram = n%:R^-1 *: (P *m V *m P^T).
Proof.
congr (_ *: _); apply/matrixP => s t; rewrite summxE [RHS]mxE; apply: eq_bigr => i _.
by rewrite mul_mx_diag !mxE big_ord1 !mxE mulrCA mulrA.
Qed.

Theorem residual_in_sample_space (lam : R) :
  0 < lam ->
  residual lam = (lam / n%:R) *: (Phi^T *m invmx (drawn_gram + lam%:M) *m Phi).
Proof.
move=> lam_gt0; rewrite /residual colsub_momentE rowsub_momentE block_momentE.
set c := n%:R^-1; set M := _ + diag_mx _; set L := drawn_gram + _.
have VW : V *m W = 1%:M.
  rewrite mulmx_diag -diag_const_mx; congr diag_mx; apply/rowP => i.
  by rewrite !mxE mulVf // gt_eqF.
have ME : M = c *: (P^T *m P) + lam *: W.
  by congr (_ + _); apply/matrixP => i j; rewrite !mxE mulrnAr.
have c_ge0 : 0 <= c by rewrite invr_ge0 ler0n.
have unitM : M \in unitmx.
  apply: psd_plus_diag_unit => [x|i]; last by rewrite mxE mulr_gt0.
  by rewrite formZ mulr_ge0 // -{2}[P]trmxK form_gram_ge0.
have unitL : L \in unitmx.
  apply: psd_plus_scalar_unit => // x; rewrite drawn_gramE formZ mulr_ge0 //.
  have -> : form (P *m V *m P^T) x = form V (x *m P) by rewrite /form trmx_mul !mulmxA.
  rewrite form_diag sumr_ge0 // => i _; rewrite mulr_ge0 ?sqr_ge0 // mxE invr_ge0 ltW //.
have key : L *m (c *: (P *m invmx M *m P^T)) = drawn_gram.
  have LP : L *m P = P *m V *m M.
    rewrite ME mulmxDr mulmxDl -/c drawn_gramE -!scalemxAl -!scalemxAr.
    by rewrite -!mulmxA VW mulmx1 mul_scalar_mx !mulmxA.
  by rewrite -scalemxAr !mulmxA LP mulmxK // drawn_gramE.
have rest : L *m (1%:M - c *: (P *m invmx M *m P^T)) = lam%:M.
  by rewrite mulmxBr mulmx1 key addrC addKr.
have inverse : 1%:M - c *: (P *m invmx M *m P^T) = lam *: invmx L.
  by rewrite -[LHS](mulKmx unitL) rest mul_mx_scalar.
transitivity (c *: (Phi^T *m (1%:M - c *: (P *m invmx M *m P^T)) *m Phi)).
  rewrite mulmxBr mulmx1 mulmxBl scalerBr; congr (_ - _).
  by rewrite -!scalemxAl -!scalemxAr -!scalemxAl !mulmxA !scalerA.
by rewrite inverse -scalemxAr -scalemxAl scalerA mulrC.
Qed.

End SampleSpace.

Print second_moment.
Print residual.
Print drawn_gram.
Check residual_in_sample_space.
Print Assumptions residual_in_sample_space.
