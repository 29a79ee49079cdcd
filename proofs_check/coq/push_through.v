(* What passes through a resolvent, and why both spaces count the same degrees of freedom.

   lemma.push-through        A (B A + lam)^{-1} = (A B + lam)^{-1} A for A (n x m) and B (m x n) over
                             any field, where both inverses exist.
   lemma.degrees-two-spaces  Tr Sigma (Sigma + lam)^{-1} = Tr K (K + lam)^{-1} for lam > 0,
                             Sigma = Phi^T Phi/n, K = Phi Phi^T/n, over any real field. *)

From mathcomp Require Import all_ssreflect all_algebra.
From pruneproof Require Import forms.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section PushThrough.

Variables (F : fieldType) (n m : nat) (A : 'M[F]_(n, m)) (B : 'M[F]_(m, n)) (lam : F).

Theorem push_through :
  A *m B + lam%:M \in unitmx -> B *m A + lam%:M \in unitmx ->
  A *m invmx (B *m A + lam%:M) = invmx (A *m B + lam%:M) *m A.
Proof.
move=> unitAB unitBA.
have swap : (A *m B + lam%:M) *m A = A *m (B *m A + lam%:M).
  by rewrite mulmxDl mulmxDr mulmxA mul_scalar_mx mul_mx_scalar.
by rewrite -[LHS](mulKmx unitAB) [_ *m (A *m _)]mulmxA swap mulmxK.
Qed.

End PushThrough.

Section TwoSpaces.

Variables (R : realFieldType) (n m : nat) (Phi : 'M[R]_(n, m)).

Definition gram : 'M[R]_n := n%:R^-1 *: (Phi *m Phi^T).

Lemma gram_ge0 x : 0 <= form gram x.
Proof. by rewrite formZ mulr_ge0 ?invr_ge0 ?ler0n ?form_gram_ge0. Qed.

Theorem degrees_two_spaces (lam : R) :
  0 < lam ->
  \tr (second_moment Phi *m invmx (second_moment Phi + lam%:M)) = \tr (gram *m invmx (gram + lam%:M)).
Proof.
move=> lam_gt0; pose B := n%:R^-1 *: Phi^T.
have momentE : second_moment Phi = B *m Phi by rewrite -scalemxAl.
have gramE : gram = Phi *m B by rewrite -scalemxAr.
have unit_moment : B *m Phi + lam%:M \in unitmx.
  by rewrite -momentE; apply: psd_plus_scalar_unit => // x; exact: second_moment_ge0.
have unit_gram : Phi *m B + lam%:M \in unitmx.
  by rewrite -gramE; apply: psd_plus_scalar_unit => // x; exact: gram_ge0.
rewrite momentE gramE -[B *m Phi *m _]mulmxA push_through // mxtrace_mulC.
by rewrite -[invmx _ *m _ *m _]mulmxA [LHS]mxtrace_mulC.
Qed.

End TwoSpaces.

Print second_moment.
Print gram.
Check push_through.
Print Assumptions push_through.
Check degrees_two_spaces.
Print Assumptions degrees_two_spaces.
