(* Quadratic forms x M x^T, and the order M <= N of matrices by their forms, over any real field.

   lemma.trace-order        A <= B implies Tr Z A Z^T <= Tr Z B Z^T for every Z; Z = 1 for Tr A.

   The lemmas before it serve the other files. *)

From mathcomp Require Import all_ssreflect all_algebra.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Forms.

Variable R : realFieldType.

Definition form n (M : 'M[R]_n) (x : 'rV[R]_n) : R := (x *m M *m x^T) 0 0.

Lemma square_norm n (x : 'rV[R]_n) : (x *m x^T) 0 0 = \sum_i x 0 i ^+ 2.
Proof. by rewrite mxE; apply: eq_bigr => i _; rewrite mxE expr2. Qed.

Lemma square_norm_ge0 n (x : 'rV[R]_n) : 0 <= (x *m x^T) 0 0.
Proof. by rewrite square_norm sumr_ge0 // => i _; rewrite sqr_ge0. Qed.

Lemma square_norm_eq0 n (x : 'rV[R]_n) : (x *m x^T) 0 0 = 0 -> x = 0.
Proof.
rewrite square_norm => /eqP; rewrite psumr_eq0 => [/allP zero|i _]; last exact: sqr_ge0.
apply/rowP => i; rewrite mxE; apply/eqP; rewrite -sqrf_eq0.
exact: implyP (zero i (mem_index_enum i)) isT.
Qed.

Lemma form_tr n (M : 'M[R]_n) (x y : 'rV[R]_n) : (x *m M *m y^T) 0 0 = (y *m M^T *m x^T) 0 0.
Proof.
have <- : (x *m M *m y^T)^T = y *m M^T *m x^T by rewrite !trmx_mul trmxK mulmxA.
by rewrite [RHS]mxE.
Qed.

Lemma form_sum n (M : 'M[R]_n) x y :
  M^T = M -> form M (x + y) = form M x + 2%:R * (x *m M *m y^T) 0 0 + form M y.
Proof.
move=> symmetric; rewrite /form linearD /= !mulmxDl !mulmxDr [LHS]mxE [X in X + _]mxE.
rewrite [X in _ + X]mxE [(y *m M *m x^T) 0 0]form_tr symmetric mulr_natl mulr2n !addrA.
by [].
Qed.

Lemma psd_kernel n (M : 'M[R]_n) x :
  M^T = M -> (forall y, 0 <= form M y) -> form M x = 0 -> x *m M = 0.
Proof.
move=> symmetric M_ge0 x0; apply: square_norm_eq0.
set b := LHS; apply/eqP/negPn/negP => b_neq0; pose y := x *m M.
have yE : (x *m M *m y^T) 0 0 = b by [].
pose t := - (form M y + 1) / (2%:R * b).
have := M_ge0 (y + t *: x); rewrite leNgt => /negP[].
suff -> : form M (y + t *: x) = - 1 by rewrite ltrN10.
rewrite form_sum //.
have -> : form M (t *: x) = 0.
  by rewrite /form linearZ /= -!scalemxAl -scalemxAr scalerA mxE -/(form M x) x0 mulr0.
have -> : (y *m M *m (t *: x)^T) 0 0 = t * b.
  by rewrite linearZ /= -scalemxAr mxE form_tr symmetric.
rewrite addr0 mulrCA /t divfK ?mulf_neq0 ?pnatr_eq0 //.
by rewrite opprD addrA addrN add0r.
Qed.

Lemma definite_unit n (M : 'M[R]_n) : (forall x, form M x = 0 -> x = 0) -> M \in unitmx.
Proof.
move=> definite; rewrite -row_free_unit; apply: inj_row_free => x xM.
by apply: definite; rewrite /form xM mul0mx mxE.
Qed.

Lemma form0 n (M : 'M[R]_n) : form M 0 = 0.
Proof. by rewrite /form !mul0mx mxE. Qed.

Lemma formD n (M N : 'M[R]_n) x : form (M + N) x = form M x + form N x.
Proof. by rewrite /form mulmxDr mulmxDl mxE. Qed.

Lemma formZ n c (M : 'M[R]_n) x : form (c *: M) x = c * form M x.
Proof. by rewrite /form -scalemxAr -scalemxAl mxE. Qed.

Lemma form_gram_ge0 n p (G : 'M[R]_(n, p)) x : 0 <= form (G *m G^T) x.
Proof.
have -> : form (G *m G^T) x = (x *m G *m (x *m G)^T) 0 0 by rewrite /form trmx_mul !mulmxA.
exact: square_norm_ge0.
Qed.

Lemma form_diag n (d : 'rV[R]_n) x : form (diag_mx d) x = \sum_i d 0 i * x 0 i ^+ 2.
Proof.
rewrite /form mul_mx_diag mxE; apply: eq_bigr => i _.
by rewrite !mxE expr2 mulrA [d 0 i * _]mulrC.
Qed.

Lemma psd_plus_diag_unit n (M : 'M[R]_n) (d : 'rV[R]_n) :
  (forall x, 0 <= form M x) -> (forall i, 0 < d 0 i) -> M + diag_mx d \in unitmx.
Proof.
move=> M_ge0 d_gt0; apply: definite_unit => x /eqP.
have term_ge0 i : 0 <= d 0 i * x 0 i ^+ 2 by rewrite mulr_ge0 ?sqr_ge0 // ltW.
rewrite formD form_diag paddr_eq0 ?sumr_ge0 // => /andP[_].
rewrite psumr_eq0 // => /allP zero; apply/rowP => i; rewrite [RHS]mxE; apply/eqP.
by have := implyP (zero i (mem_index_enum i)) isT; rewrite mulf_eq0 gt_eqF //= sqrf_eq0.
Qed.

Lemma psd_plus_scalar_unit n (lam : R) (M : 'M[R]_n) :
  (forall x, 0 <= form M x) -> 0 < lam -> M + lam%:M \in unitmx.
Proof.
move=> M_ge0 lam_gt0; rewrite -diag_const_mx.
by apply: psd_plus_diag_unit => // i; rewrite mxE.
Qed.


Theorem trace_order m (A B : 'M[R]_m) :
  (forall x, form A x <= form B x) ->
  forall p (Z : 'M[R]_(p, m)), \tr (Z *m A *m Z^T) <= \tr (Z *m B *m Z^T).
Proof.
move=> le_form p Z; apply: ler_sum => i _.
have diagonal (M : 'M[R]_m) : (Z *m M *m Z^T) i i = form M (row i Z).
  by rewrite /form -row_mul mxE [RHS]mxE; apply: eq_bigr => j _; rewrite tr_row !mxE.
by rewrite !diagonal.
Qed.

End Forms.

Section Moments.

Variables (R : realFieldType) (n m : nat) (Phi : 'M[R]_(n, m)).

Definition second_moment : 'M[R]_m := n%:R^-1 *: (Phi^T *m Phi).

Lemma second_moment_symmetric : second_moment^T = second_moment.
Proof. by rewrite /second_moment linearZ /= trmx_mul trmxK. Qed.

Lemma second_moment_ge0 x : 0 <= form second_moment x.
Proof. by rewrite formZ mulr_ge0 ?invr_ge0 ?ler0n // -{2}[Phi]trmxK form_gram_ge0. Qed.

End Moments.

Print form.
Check trace_order.
Print Assumptions trace_order.
