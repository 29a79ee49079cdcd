(* Degrees of freedom of any finite spectrum, N(lam) = sum_i mu_i/(mu_i + lam), mu_i >= 0, lam > 0,
   over any real field.

   lemma.degrees-antitone   N(lam') <= N(lam) for 0 < lam <= lam'.
   lemma.degrees-scaled     lam N(lam) <= lam' N(lam') for 0 < lam <= lam'.
   lemma.degrees-rank       N(lam) is at most the number of eigenvalues other than 0.
   lemma.degrees-trace      t/(t + lam) <= N(lam), t = sum_i mu_i.
   lemma.degrees-sandwich   s/2 <= N(lam) <= s, s = sum_i min(1, mu_i/lam). *)

From mathcomp Require Import all_ssreflect all_algebra.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Degrees.

Variables (R : realFieldType) (m : nat) (mu : 'I_m -> R).
Hypothesis mu_ge0 : forall i, 0 <= mu i.

Definition degrees (lam : R) : R := \sum_i mu i / (mu i + lam).

Lemma shifted_gt0 lam i : 0 < lam -> 0 < mu i + lam.
Proof. by move=> lam_gt0; rewrite ltr_paddl. Qed.

Theorem degrees_antitone (lam lam' : R) :
  0 < lam -> lam <= lam' -> degrees lam' <= degrees lam.
Proof.
move=> lam_gt0 le_lam; have lam'_gt0 := lt_le_trans lam_gt0 le_lam.
apply: ler_sum => i _; apply: ler_wpmul2l => //.
by rewrite lef_pinv ?posrE ?shifted_gt0 // ler_add2l.
Qed.

Theorem degrees_scaled (lam lam' : R) :
  0 < lam -> lam <= lam' -> lam * degrees lam <= lam' * degrees lam'.
Proof.
move=> lam_gt0 le_lam; have lam'_gt0 := lt_le_trans lam_gt0 le_lam.
rewrite /degrees !mulr_sumr; apply: ler_sum => i _; rewrite !mulrA.
rewrite ler_pdivr_mulr ?shifted_gt0 // mulrAC ler_pdivl_mulr ?shifted_gt0 //.
rewrite !mulrDr [lam * _ * lam']mulrAC [lam' * _ * lam]mulrAC [lam' * lam]mulrC ler_add2r.
by rewrite -!mulrA ler_wpmul2r // mulr_ge0.
Qed.

Theorem degrees_rank (lam : R) :
  0 < lam -> degrees lam <= #|[pred i | mu i != 0]|%:R.
Proof.
move=> lam_gt0; rewrite -sum1_card natr_sum big_mkcond /=.
apply: ler_sum => i _; rewrite inE; case: eqP => [-> | _]; first by rewrite mul0r.
by rewrite ler_pdivr_mulr ?shifted_gt0 // mul1r ler_addl ltW.
Qed.

Theorem degrees_trace (lam : R) :
  0 < lam -> (\sum_i mu i) / (\sum_i mu i + lam) <= degrees lam.
Proof.
move=> lam_gt0; rewrite {1}mulr_suml; apply: ler_sum => i _.
have sum_ge : mu i <= \sum_j mu j.
  by rewrite (bigD1 i) //= ler_addl sumr_ge0.
apply: ler_wpmul2l => //; rewrite lef_pinv ?posrE ?shifted_gt0 ?ler_add2r //.
by rewrite ltr_paddl // sumr_ge0.
Qed.

Theorem degrees_sandwich (lam : R) :
  0 < lam ->
  let count := \sum_i Num.min 1 (mu i / lam) in
  count / 2%:R <= degrees lam /\ degrees lam <= count.
Proof.
move=> lam_gt0 count; split; rewrite /count ?mulr_suml; apply: ler_sum => i _.
  rewrite ler_pdivl_mulr ?shifted_gt0 // mulrAC ler_pdivr_mulr ?ltr0n //.
  have -> : mu i * 2%:R = mu i + mu i by rewrite mulr_natr mulr2n.
  rewrite mulrDr ler_add //.
    by rewrite -[leRHS]mul1r ler_wpmul2r // le_minl lexx.
  by rewrite -ler_pdivl_mulr // le_minl lexx orbT.
rewrite le_minr ler_pdivr_mulr ?shifted_gt0 // mul1r ler_addl ltW //=.
by apply: ler_wpmul2l => //; rewrite lef_pinv ?posrE ?shifted_gt0 // ler_addr.
Qed.

End Degrees.

Print degrees.

Check degrees_antitone.
Print Assumptions degrees_antitone.
Check degrees_scaled.
Print Assumptions degrees_scaled.
Check degrees_rank.
Print Assumptions degrees_rank.
Check degrees_trace.
Print Assumptions degrees_trace.
Check degrees_sandwich.
Print Assumptions degrees_sandwich.
