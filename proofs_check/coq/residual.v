(* The residual S_J = Sigma - Sigma_FJ G Sigma_JF of any positive semidefinite Sigma and any list J
   of kept nodes with ridges tau >= 0, G any generalised inverse of Sigma_JJ + I_tau: the inverse
   where there is one, else for instance the pseudo-inverse.

   lemma.residual-psd       S_J is symmetric and positive semidefinite: at tau = 0 a Schur complement.
   spectral.D1              S_J'(tau') <= S_J(tau) for J a part of J' and tau' <= tau on J. *)

From mathcomp Require Import all_ssreflect all_algebra.
From pruneproof Require Import forms.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Algebra.

Variables (R : comRingType) (p m k : nat).
Variables (Sigma : 'M[R]_m) (M T : 'M[R]_k) (E : 'M[R]_(k, m)) (A : 'M[R]_(m, k)).

Lemma squared_difference q (X Y : 'M[R]_(p, q)) (N : 'M[R]_q) :
  (X - Y) *m N *m (X - Y)^T = X *m N *m X^T - X *m N *m Y^T - Y *m N *m X^T + Y *m N *m Y^T.
Proof. by rewrite linearB /= !mulmxBl !mulmxBr opprB !addrA [LHS]addrAC. Qed.

Lemma completed (Z : 'M[R]_(p, m)) (B : 'M[R]_(p, k)) :
  M = E *m Sigma *m E^T + T -> A *m M = Sigma *m E^T -> M *m A^T = E *m Sigma ->
  (Z - B *m E) *m Sigma *m (Z - B *m E)^T + B *m T *m B^T =
  Z *m (Sigma - A *m M *m A^T) *m Z^T + (B - Z *m A) *m M *m (B - Z *m A)^T.
Proof.
move=> ME AM MA; rewrite !squared_difference.
have -> : Z *m Sigma *m (B *m E)^T = Z *m A *m M *m B^T.
  by rewrite trmx_mul !mulmxA -[Z *m Sigma *m _]mulmxA -AM !mulmxA.
have -> : B *m E *m Sigma *m Z^T = B *m M *m (Z *m A)^T.
  by rewrite -[B *m E *m _]mulmxA -MA trmx_mul !mulmxA.
have -> : Z *m (Sigma - A *m M *m A^T) *m Z^T =
    Z *m Sigma *m Z^T - Z *m A *m M *m (Z *m A)^T.
  by rewrite mulmxBr mulmxBl trmx_mul !mulmxA.
have -> : B *m M *m B^T = B *m E *m Sigma *m (B *m E)^T + B *m T *m B^T.
  by rewrite ME mulmxDr mulmxDl trmx_mul !mulmxA.
rewrite [X in _ = _ + X]addrC [RHS]addrA subrK !addrA.
by rewrite [RHS](ACl (1*5*4*2*3)).
Qed.

End Algebra.

Section Kept.

Variables (R : realFieldType) (m : nat) (Sigma : 'M[R]_m).
Hypothesis symmetric : Sigma^T = Sigma.
Hypothesis Sigma_ge0 : forall x, 0 <= form Sigma x.

Definition block k (kept : 'I_k -> 'I_m) (tau : 'I_k -> R) : 'M[R]_k :=
  mxsub kept kept Sigma + diag_mx (\row_i tau i).

Definition reconstruction k (kept : 'I_k -> 'I_m) (G : 'M[R]_k) : 'M[R]_(m, k) :=
  colsub kept Sigma *m G.

Definition residual k (kept : 'I_k -> 'I_m) (G : 'M[R]_k) : 'M[R]_m :=
  Sigma - reconstruction kept G *m rowsub kept Sigma.

Definition inverse_of k (M G : 'M[R]_k) : Prop := M *m G *m M = M.

(* The pseudo-inverse is one such G, and so is this one; what follows holds for every one. *)
Lemma inverse_exists k (M : 'M[R]_k) : inverse_of M (pinvmx M).
Proof. exact: mulmxKpV. Qed.

Section OneList.

Variables (k : nat) (kept : 'I_k -> 'I_m) (tau : 'I_k -> R) (G : 'M[R]_k).
Hypothesis tau_ge0 : forall i, 0 <= tau i.
Hypothesis inverse : inverse_of (block kept tau) G.

Let E : 'M[R]_(k, m) := rowsub kept 1%:M.
Let T := diag_mx (\row_i tau i).
Let M := block kept tau.
Let A := reconstruction kept G.

Lemma rowsub_moment : rowsub kept Sigma = E *m Sigma.
Proof. exact: rowsubE. Qed.

Lemma colsub_moment : colsub kept Sigma = Sigma *m E^T.
Proof. by rewrite -{1}symmetric -trmx_mxsub rowsub_moment trmx_mul symmetric. Qed.

Lemma blockE : M = E *m Sigma *m E^T + T.
Proof.
congr (_ + _); rewrite -rowsub_moment mxsubrc rowsubE.
by rewrite colsub_moment [in RHS]rowsubE mulmxA.
Qed.

Lemma block_symmetric : M^T = M.
Proof. by rewrite blockE linearD /= !trmx_mul trmxK symmetric tr_diag_mx mulmxA. Qed.

Lemma ridge_ge0 y : 0 <= form T y.
Proof. by rewrite form_diag sumr_ge0 // => i _; rewrite mulr_ge0 ?sqr_ge0 // mxE. Qed.

Lemma form_block y : form M y = form Sigma (y *m E) + form T y.
Proof. by rewrite blockE formD; congr (_ + _); rewrite /form trmx_mul !mulmxA. Qed.

Lemma block_ge0 y : 0 <= form M y.
Proof. by rewrite form_block addr_ge0 ?ridge_ge0. Qed.

(* The normal equations hold for whatever generalised inverse. *)
Lemma normal_equations : A *m M = Sigma *m E^T.
Proof.
pose C := 1%:M - G *m M.
suff zero : Sigma *m E^T *m C = 0.
  by move/eqP: zero; rewrite mulmxBr mulmx1 subr_eq0 -colsub_moment mulmxA => /eqP.
have MC : M *m C = 0 by rewrite mulmxBr mulmx1 mulmxA inverse subrr.
have killed : C^T *m M = 0 by rewrite -block_symmetric -trmx_mul MC trmx0.
suff rows : C^T *m E *m Sigma = 0.
  by have := congr1 trmx rows; rewrite !trmx_mul trmxK symmetric trmx0 mulmxA.
apply/row_matrixP => i; rewrite row0 !row_mul; apply: psd_kernel => //.
set y := row i _; have yM : y *m M = 0 by rewrite -row_mul killed row0.
have /eqP : form M y = 0 by rewrite /form yM mul0mx mxE.
by rewrite form_block paddr_eq0 ?ridge_ge0 // => /andP[/eqP].
Qed.

Lemma normal_equations_tr : M *m A^T = E *m Sigma.
Proof.
by have := congr1 trmx normal_equations; rewrite !trmx_mul trmxK symmetric block_symmetric.
Qed.

Lemma residualE : residual kept G = Sigma - A *m M *m A^T.
Proof. by rewrite /residual rowsub_moment -mulmxA normal_equations_tr. Qed.

(* What any coefficients B cost for the targets Z, and how far that is from the least. *)
Theorem completed_square p (Z : 'M[R]_(p, m)) (B : 'M[R]_(p, k)) :
  (Z - B *m E) *m Sigma *m (Z - B *m E)^T + B *m T *m B^T =
  Z *m residual kept G *m Z^T + (B - Z *m A) *m M *m (B - Z *m A)^T.
Proof.
rewrite residualE; apply: completed; [exact: blockE | exact: normal_equations |].
exact: normal_equations_tr.
Qed.

(* The cost of explaining the direction x by the coefficients y of the kept nodes. *)
Definition cost (x : 'rV[R]_m) (y : 'rV[R]_k) : R := form Sigma (x - y *m E) + form T y.

Lemma costE x y : cost x y = form (residual kept G) x + form M (y - x *m A).
Proof.
have := congr1 (fun N : 'M[R]_1 => N 0 0) (completed_square x y).
by rewrite [LHS]mxE [RHS]mxE.
Qed.

Lemma residual_attained x : form (residual kept G) x = cost x (x *m A).
Proof. by rewrite costE subrr form0 addr0. Qed.

Lemma residual_least x y : form (residual kept G) x <= cost x y.
Proof. by rewrite costE ler_addl block_ge0. Qed.

Theorem residual_psd :
  (residual kept G)^T = residual kept G /\ forall x, 0 <= form (residual kept G) x.
Proof.
split=> [|x]; last by rewrite residual_attained addr_ge0 ?Sigma_ge0 ?ridge_ge0.
rewrite residualE linearB /= symmetric; congr (_ - _).
by rewrite trmx_mul trmxK trmx_mul block_symmetric mulmxA.
Qed.

End OneList.

(* More nodes kept, at ridges no larger: place says where each old node stands in the new list. *)
Theorem residual_antitone k k' (kept : 'I_k -> 'I_m) (kept' : 'I_k' -> 'I_m) (tau : 'I_k -> R)
    (tau' : 'I_k' -> R) (G : 'M[R]_k) (G' : 'M[R]_k') (place : 'I_k -> 'I_k') :
  injective place -> (forall i, kept i = kept' (place i)) ->
  (forall i, 0 <= tau' i) -> (forall i, tau' (place i) <= tau i) ->
  inverse_of (block kept tau) G -> inverse_of (block kept' tau') G' ->
  forall x, form (residual kept' G') x <= form (residual kept G) x.
Proof.
move=> place_inj same tau'_ge0 le_tau inverse inverse' x.
have tau_ge0 i : 0 <= tau i by apply: le_trans (le_tau i).
rewrite (residual_attained tau_ge0 inverse); set y := x *m _.
pose P : 'M[R]_(k, k') := rowsub place 1%:M.
have moved : y *m rowsub kept 1%:M = y *m P *m rowsub kept' 1%:M :> 'rV[R]_m.
  rewrite -mulmxA; congr (_ *m _); rewrite -rowsubE.
  by apply/matrixP => i j; rewrite !mxE same.
apply: le_trans (residual_least tau'_ge0 inverse' x (y *m P)) _.
rewrite /cost moved ler_add2l.
have -> : form (diag_mx (\row_i tau' i)) (y *m P) = \sum_i tau' (place i) * y 0 i ^+ 2.
  have -> : form (diag_mx (\row_i tau' i)) (y *m P) = form (P *m diag_mx (\row_i tau' i) *m P^T) y.
    by rewrite /form trmx_mul !mulmxA.
  have -> : P *m diag_mx (\row_i tau' i) *m P^T = diag_mx (\row_i tau' (place i)).
    apply/matrixP => i j; rewrite -rowsubE mxE (bigD1 (place j)) //= big1 => [|l /negbTE neq].
      by rewrite !mxE (inj_eq place_inj) eqxx mulr1 addr0.
    by rewrite !mxE [place j == l]eq_sym neq mulr0.
  by rewrite form_diag; apply: eq_bigr => i _; rewrite mxE.
rewrite form_diag; apply: ler_sum => i _; rewrite mxE.
by rewrite ler_wpmul2r ?sqr_ge0.
Qed.

End Kept.

Print form.
Print block.
Print residual.
Print inverse_of.
Check inverse_exists.
Check residual_psd.
Print Assumptions residual_psd.
Check residual_antitone.
Print Assumptions residual_antitone.
