//! Configs as Keras 2.0 to `tf.keras` 2.15 wrote them, brought into Keras 3's form.

use keras_format::{Error, model_inputs, normalise, tensor_refs};
use serde_json::{Value, json};

fn old(config: Value) -> Result<Value, Error> {
    normalise(config, Some("2.2.4-tf"))
}

/// A Sequential of Keras 2.2: a bare list of layers.
fn bare(layers: Value) -> Result<Value, Error> {
    old(json!({ "class_name": "Sequential", "config": layers }))
}

#[test]
fn a_bare_list_of_layers_gets_a_name_and_an_input() {
    let model = bare(json!([
        { "class_name": "GRU", "config": {
            "name": "gru_1", "trainable": true, "batch_input_shape": [null, 31, 1], "dtype": "float32",
            "units": 8, "recurrent_activation": "hard_sigmoid", "implementation": 1,
            "kernel_initializer": { "class_name": "VarianceScaling", "config": {
                "scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": null, "dtype": "float32" } },
            "bias_regularizer": { "class_name": "L1L2", "config": { "l1": 0.0, "l2": 0.01 } } } },
        { "class_name": "Activation", "config": { "name": "a", "activation": "hard_sigmoid" } },
    ]))
    .unwrap();
    assert_eq!(model["config"]["name"], "sequential");
    let layers = &model["config"]["layers"];
    assert_eq!(layers[0]["class_name"], "InputLayer");
    assert_eq!(layers[0]["config"]["name"], "gru_1_input");
    assert_eq!(layers[0]["config"]["batch_shape"], json!([null, 31, 1]));
    let gru = &layers[1]["config"];
    assert_eq!(
        gru["reset_after"], false,
        "Keras before 2.2 had no other GRU"
    );
    assert_eq!(gru["recurrent_activation"], "keras2_hard_sigmoid");
    assert_eq!(gru["kernel_initializer"]["module"], "keras.initializers");
    assert!(gru["kernel_initializer"]["config"].get("dtype").is_none());
    assert_eq!(gru["bias_regularizer"]["module"], "keras.regularizers");
    assert_eq!(layers[2]["config"]["activation"], "keras2_hard_sigmoid");
    assert_eq!(layers[2]["config"]["dtype"]["config"]["name"], "float32");
}

#[test]
fn keras_3_keeps_its_own_hard_sigmoid() {
    let config = json!({ "module": "keras", "class_name": "Sequential", "config": { "layers": [
        { "module": "keras.layers", "class_name": "Activation", "config": { "name": "a", "activation": "hard_sigmoid" } },
    ] } });
    for version in [Some("3.3.3"), None] {
        let model = normalise(config.clone(), version).unwrap();
        assert_eq!(
            model["config"]["layers"][0]["config"]["activation"],
            "hard_sigmoid"
        );
    }
}

#[test]
fn what_would_change_the_result_is_an_error_that_names_it() {
    for (option, value) in [
        ("time_major", json!(true)),
        ("reverse_state_order", json!(true)),
        ("num_constants", json!(1)),
    ] {
        let layer = |value: &Value| json!([{ "class_name": "LSTM", "config": { "name": "l", "units": 1, option: value } }]);
        let error = bare(layer(&value)).unwrap_err();
        assert!(
            matches!(&error, Error::Option { layer, option: o, .. } if layer == "l" && o == option),
            "{error}"
        );
        for neutral in [json!(null), json!(false)] {
            let model = bare(layer(&neutral)).unwrap();
            assert!(model["config"]["layers"][0]["config"].get(option).is_none());
        }
    }
}

#[test]
fn every_dtype_policy_but_float32_is_refused() {
    for dtype in [
        json!("float64"),
        json!("float16"),
        json!({ "class_name": "Policy", "config": { "name": "mixed_float16" } }),
        json!({ "class_name": "PolicyV1", "config": { "name": "float64", "loss_scale": null } }),
    ] {
        let error =
            bare(json!([{ "class_name": "Dense", "config": { "name": "d", "dtype": dtype } }]))
                .unwrap_err();
        assert!(
            matches!(&error, Error::DtypePolicy { layer, .. } if layer == "d"),
            "{error}"
        );
    }
    let embedding = json!([{ "class_name": "Embedding", "config": { "name": "e", "dtype": "int32", "input_length": 4 } }]);
    assert!(
        bare(embedding).is_ok(),
        "Keras 2.0 stored the type of its input"
    );
}

#[test]
fn optimizers_of_keras_2_speak_keras_3() {
    let model = json!({
        "class_name": "Sequential",
        "config": { "name": "s", "layers": [] },
        "compile_config": {
            "optimizer": { "class_name": "RMSprop", "config": { "lr": 0.002, "rho": 0.9, "decay": 0.0, "epsilon": null } },
            "loss": { "out": { "class_name": "BinaryCrossentropy", "config": { "reduction": "auto", "fn": "binary_crossentropy" } } },
            "metrics": [["acc", { "class_name": "MeanMetricWrapper", "config": { "name": "mse", "fn": "mean_squared_error" } }]],
            "loss_weights": {}, "sample_weight_mode": null, "weighted_metrics": null,
        },
    });
    let compiled = &old(model).unwrap()["compile_config"];
    let optimizer = &compiled["optimizer"];
    assert_eq!(
        optimizer["config"],
        json!({ "rho": 0.9, "learning_rate": 0.002, "epsilon": 1e-7 })
    );
    assert_eq!(
        compiled["loss"]["out"]["config"]["reduction"],
        "sum_over_batch_size"
    );
    assert_eq!(compiled["metrics"], json!(["acc", "mean_squared_error"]));
    assert_eq!(compiled["loss_weights"], Value::Null);
}

#[test]
fn an_optimizer_by_name_becomes_an_object() {
    let model = json!({
        "module": "keras", "class_name": "Sequential", "config": { "layers": [] },
        "compile_config": { "optimizer": "rmsprop", "loss": "mse" },
    });
    let optimizer = &normalise(model, Some("3.3.3")).unwrap()["compile_config"]["optimizer"];
    assert_eq!(optimizer["class_name"], "RMSprop");
    assert_eq!(optimizer["config"], json!({}));
}

/// `Model` of Keras 2: an encoder whose states start a decoder, a constant, a mask among the kwargs.
fn graph() -> Value {
    json!({ "class_name": "Model", "config": {
        "name": "m",
        "layers": [
            { "class_name": "InputLayer", "name": "x", "config": { "name": "x", "batch_input_shape": [null, 4, 2], "dtype": "float32" }, "inbound_nodes": [] },
            { "class_name": "LSTM", "name": "enc", "config": { "name": "enc", "units": 3, "return_state": true }, "inbound_nodes": [[["x", 0, 0, {}]]] },
            { "class_name": "LSTM", "name": "dec", "config": { "name": "dec", "units": 3 },
              "inbound_nodes": [[["x", 0, 0, { "mask": ["x", 0, 0], "training": false }], ["enc", 0, 1, {}], ["enc", 0, 2, {}]]] },
            { "class_name": "Add", "name": "add", "config": { "name": "add" },
              "inbound_nodes": [[["enc", 0, 0, {}], ["dec", 0, 0, {}], ["_CONSTANT_VALUE", -1, 2.5, {}]]] },
        ],
        "input_layers": [["x", 0, 0]],
        "output_layers": [["add", 0, 0]],
    } })
}

#[test]
fn calls_of_the_old_form_become_arguments() {
    let model = old(graph()).unwrap();
    assert_eq!(model["class_name"], "Functional");
    assert_eq!(model["config"]["output_layers"], json!(["add", 0, 0]));
    assert_eq!(model_inputs(&model)[0].layer, "x");
    let layers = &model["config"]["layers"];
    let call = &layers[2]["inbound_nodes"][0];
    assert_eq!(tensor_refs(&call["args"]).len(), 1);
    let states = tensor_refs(&call["kwargs"]["initial_state"]);
    assert_eq!(
        states
            .iter()
            .map(|t| (t.layer.as_str(), t.tensor))
            .collect::<Vec<_>>(),
        [("enc", 1), ("enc", 2)]
    );
    assert_eq!(tensor_refs(&call["kwargs"]["mask"])[0].layer, "x");
    assert_eq!(call["kwargs"]["training"], false);
    let added = &layers[3]["inbound_nodes"][0]["args"][0];
    assert_eq!((tensor_refs(added).len(), &added[2]), (2, &json!(2.5)));
}

#[test]
fn calls_that_lead_nowhere_are_refused() {
    let mut model = graph();
    model["config"]["layers"][1]["inbound_nodes"][0][0][0] = json!("nobody");
    assert!(matches!(old(model), Err(Error::Config { .. })));
    let mut model = graph();
    model["config"]["layers"][1]["name"] = json!("x");
    assert!(
        old(model)
            .unwrap_err()
            .to_string()
            .contains("two layers are called `x`")
    );
}

#[test]
fn a_registered_class_keeps_its_config_and_its_whole_name() {
    let config = json!({ "name": "mine", "cells": 3, "layer": "text", "dtype": "float32", "implementation": 7 });
    let model = bare(json!([{ "class_name": "pack>Mine", "config": config }])).unwrap();
    let layer = &model["config"]["layers"][0];
    assert_eq!(
        (&layer["class_name"], &layer["registered_name"]),
        (&json!("Mine"), &json!("pack>Mine"))
    );
    assert_eq!(
        (
            &layer["config"]["cells"],
            &layer["config"]["implementation"]
        ),
        (&json!(3), &json!(7))
    );
}

#[test]
fn to_json_of_keras_2_says_its_version_itself() {
    let text = json!({ "class_name": "Sequential", "keras_version": "2.4.0", "backend": "tensorflow",
        "config": { "name": "s", "layers": [{ "class_name": "Activation", "config": { "activation": "hard_sigmoid" } }] } });
    let model = normalise(text, None).unwrap();
    assert_eq!(
        model["config"]["layers"][0]["config"]["activation"],
        "keras2_hard_sigmoid"
    );
    assert!(model.get("keras_version").is_none());
}
