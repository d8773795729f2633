//! The functions of golden programs are proved to do what the words say (`proofs/`), where there is a solver.

use super::{Guest, TRIPLES};
use crate::code::isa_for;
use crate::compile::contract;
use crate::optimise::translate;
use cranelift_codegen::Context;
use cranelift_frontend::FunctionBuilderContext;

/// Milliseconds for a question.
const TIMEOUT_MS: u64 = 20_000;

impl Guest {
    /// The unit's contract as JSON, and its function, each instruction with the word that it comes from.
    fn unit(&self) -> (String, String) {
        let mut guest_settings = self.settings.clone();
        guest_settings.listings = true;
        let (mut context, mut builder) = (Context::new(), FunctionBuilderContext::new());
        let isa = isa_for(TRIPLES[0].parse().expect("a triple")).expect("a supported architecture");
        let region = self.region();
        let plan = translate(&region, 1, &guest_settings, &mut context.func, &mut builder, &*isa);
        let contract = contract(&region, 1, &guest_settings, &plan);
        (serde_json::to_string(&contract).expect("numbers"), context.func.display().to_string())
    }

    /// What the optimising tier makes of the program is what its words say.
    pub fn assert_proved(&self) {
        if !rum_proofs::is_there_for("the proof of a golden program") {
            return;
        }
        let (contract, clif) = self.unit();
        let proof = rum_proofs::prove_json(&contract, &clif, TIMEOUT_MS).expect("a function that can be read");
        assert!(proof.is_whole(), "{:#?}\n{contract}\n{clif}", proof.open);
        assert!(proof.claims > 0, "nothing was to be proved");
    }
}
