"""All layers that are not recurrent. Adds to `layer_cases.CASES`."""

from layer_cases import ACTIVATIONS, EMPTY_ROW, MASK, SEQUENCE, B, F, L, T, U, case, keras, np, onoff

OTHER_MASK = [[1, 1, 0, 1, 0], [0, 1, 1, 0, 1]]

# Dense, activations.
for name in [a for a in ACTIVATIONS if a != "glu"] + ["swish", "hard_swish"]:
    case(f"dense_{name}", lambda a=name: L.Dense(U, activation=a), [(3, F)])
    case(f"activation_{name}", lambda a=name: L.Activation(a), [(B, 3, 6)])
case("dense_glu", lambda: L.Dense(6, activation="glu"), [(3, F)])
case("activation_glu", lambda: L.Activation("glu"), [(B, 3, 6)])
case("dense", lambda: L.Dense(U), [(3, F)])
case("dense_no_bias", lambda: L.Dense(U, use_bias=False), [(3, F)])
case("dense_sequence", lambda: L.Dense(U, activation="softmax"), [SEQUENCE], masks=[MASK])
case("dense_four_axes", lambda: L.Dense(U, activation="tanh"), [(2, 2, 3, F)])
case(
    "dense_regularized",
    lambda: L.Dense(
        U, kernel_regularizer="l2", bias_regularizer=keras.regularizers.L1(0.02),
        activity_regularizer=keras.regularizers.L1(0.03), kernel_constraint="non_neg",
    ),
    [(3, F)],
)  # fmt: skip
case(
    "dense_orthogonal_regularizer",
    lambda: L.Dense(U, kernel_regularizer=keras.regularizers.OrthogonalRegularizer(0.05)), [(3, F)],
)  # fmt: skip
case("relu", lambda: L.ReLU(), [SEQUENCE], masks=[MASK])
case("relu_options", lambda: L.ReLU(max_value=0.9, negative_slope=0.2, threshold=0.3), [SEQUENCE])
case("leaky_relu", lambda: L.LeakyReLU(), [SEQUENCE])
case("leaky_relu_slope", lambda: L.LeakyReLU(negative_slope=0.1), [SEQUENCE])
case("elu", lambda: L.ELU(), [SEQUENCE])
case("elu_alpha", lambda: L.ELU(alpha=0.5), [SEQUENCE])
case("p_relu", lambda: L.PReLU(), [SEQUENCE])
case("p_relu_shared", lambda: L.PReLU(shared_axes=[1]), [SEQUENCE])
case("p_relu_flat", lambda: L.PReLU(), [(3, F)])
case("softmax", lambda: L.Softmax(), [SEQUENCE])
case("softmax_axis", lambda: L.Softmax(axis=1), [SEQUENCE])
case("softmax_axes", lambda: L.Softmax(axis=(1, 2)), [(B, 3, 2, F)])
case("softmax_axes_apart", lambda: L.Softmax(axis=(-1, 1)), [(B, 3, 2, F)])
case("softmax_empty_row", lambda: L.Softmax(), [(B, T)], masks=[EMPTY_ROW])
case("softmax_mask", lambda: L.Softmax(), [(B, T)], masks=[MASK])
case("identity", lambda: L.Identity(), [SEQUENCE], masks=[MASK])
case("activity_regularization", lambda: L.ActivityRegularization(l1=0.02, l2=0.03), [SEQUENCE])

# Regularization. Training cases hold what Keras drew.
case("dropout", lambda: L.Dropout(0.4), [SEQUENCE], training=True, masks=[MASK])
case("dropout_inference", lambda: L.Dropout(0.4), [SEQUENCE])
case("dropout_none", lambda: L.Dropout(0.0), [SEQUENCE], training=True)
case("dropout_noise_shape", lambda: L.Dropout(0.4, noise_shape=(None, 1, F)), [SEQUENCE], training=True)
case("dropout_flat", lambda: L.Dropout(0.3), [(3, 7)], training=True)
case("spatial_dropout1d", lambda: L.SpatialDropout1D(0.4), [SEQUENCE], training=True, masks=[MASK])
case("spatial_dropout1d_inference", lambda: L.SpatialDropout1D(0.4), [SEQUENCE])
case("gaussian_noise", lambda: L.GaussianNoise(0.3), [SEQUENCE], training=True, masks=[MASK])
case("gaussian_noise_inference", lambda: L.GaussianNoise(0.3), [SEQUENCE])

# Normalization.
for label, on in onoff("training", "masked"):
    case(
        f"batch_normalization{label}", lambda: L.BatchNormalization(),
        [(3, T, F)], masks=[[*MASK, [1, 1, 1, 1, 0]]] if on["masked"] else [], training=on["training"],
    )  # fmt: skip
    if on["masked"]:
        continue
    options = dict(training=on["training"])
    case(f"batch_normalization_flat{label}", lambda: L.BatchNormalization(momentum=0.8), [(5, F)], **options)
    case(
        f"batch_normalization_axis{label}",
        lambda: L.BatchNormalization(axis=1, momentum=0.9, epsilon=0.01), [(3, T, F)], **options,
    )  # fmt: skip
    case(
        f"batch_normalization_bare{label}",
        lambda: L.BatchNormalization(center=False, scale=False), [(3, T, F)], **options,
    )  # fmt: skip
    case(f"batch_normalization_no_scale{label}", lambda: L.BatchNormalization(scale=False), [(5, F)], **options)
    case(f"batch_normalization_no_center{label}", lambda: L.BatchNormalization(center=False), [(5, F)], **options)
    case(f"batch_normalization_frozen{label}", lambda: L.BatchNormalization(trainable=False), [(5, F)], **options)
case("layer_normalization", lambda: L.LayerNormalization(), [SEQUENCE], masks=[MASK])
case("layer_normalization_flat", lambda: L.LayerNormalization(epsilon=0.1), [(3, F)])
case("layer_normalization_axes", lambda: L.LayerNormalization(axis=[1, 2]), [SEQUENCE])
case("layer_normalization_axis_1", lambda: L.LayerNormalization(axis=1), [SEQUENCE])
case("layer_normalization_no_scale", lambda: L.LayerNormalization(scale=False), [SEQUENCE])
case("layer_normalization_no_center", lambda: L.LayerNormalization(center=False), [SEQUENCE])
case("layer_normalization_bare", lambda: L.LayerNormalization(center=False, scale=False), [SEQUENCE])
case("rescaling", lambda: L.Rescaling(1 / 16, offset=-0.5), [SEQUENCE], masks=[MASK])
case("rescaling_vector", lambda: L.Rescaling([0.5, 2.0, 1.0, 3.0], offset=[0.0, 1.0, 2.0, 3.0]), [SEQUENCE])
case("normalization_adapt", lambda: L.Normalization(), [SEQUENCE], adapt=(9, T, F))
case("normalization_adapt_flat", lambda: L.Normalization(), [(3, F)], adapt=(20, F))
case("normalization_adapt_scalar", lambda: L.Normalization(axis=None), [(3, F)], adapt=(20, F))
case("normalization_adapt_axes", lambda: L.Normalization(axis=(1, 2)), [SEQUENCE], adapt=(9, T, F))
case("normalization_adapt_invert", lambda: L.Normalization(invert=True), [(3, F)], adapt=(20, F))
case("normalization_given", lambda: L.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[1.0, 2.0, 0.5, 4.0]), [SEQUENCE])

# Convolution and pooling.
for padding in ["valid", "same", "causal"]:
    for kernel, strides, dilation in [(1, 1, 1), (2, 1, 1), (3, 1, 1), (3, 2, 1), (4, 3, 1), (3, 1, 2), (2, 1, 3)]:
        case(
            f"conv1d_{padding}_kernel{kernel}_stride{strides}_dilation{dilation}",
            lambda p=padding, k=kernel, s=strides, d=dilation: L.Conv1D(
                3, k, strides=s, dilation_rate=d, padding=p
            ),
            [(B, 8, F)],
        )  # fmt: skip
    case(f"conv1d_{padding}_groups", lambda p=padding: L.Conv1D(6, 3, groups=2, padding=p), [(B, 7, F)])
case("conv1d_relu", lambda: L.Conv1D(3, 3, activation="relu"), [(B, 7, F)])
case("conv1d_no_bias", lambda: L.Conv1D(3, 3, use_bias=False, activation="tanh"), [(B, 7, F)])
case(
    "conv1d_regularized",
    lambda: L.Conv1D(3, 3, kernel_regularizer="l2", activity_regularizer=keras.regularizers.L2(0.02)), [(B, 7, F)],
)  # fmt: skip
for padding in ["valid", "same"]:
    for pool, strides in [(2, None), (3, None), (3, 1), (2, 3), (3, 2)]:
        for name, layer in [("max", L.MaxPooling1D), ("average", L.AveragePooling1D)]:
            case(
                f"{name}_pooling1d_{padding}_pool{pool}_stride{strides or pool}{'_default' * (strides is None)}",
                lambda layer=layer, q=pool, s=strides, p=padding: layer(pool_size=q, strides=s, padding=p),
                [(B, 7, F)],
            )  # fmt: skip
for keepdims in [False, True]:
    label = "_keepdims" * keepdims
    case(f"global_max_pooling1d{label}", lambda k=keepdims: L.GlobalMaxPooling1D(keepdims=k), [SEQUENCE])
    case(f"global_average_pooling1d{label}", lambda k=keepdims: L.GlobalAveragePooling1D(keepdims=k), [SEQUENCE])
    case(
        f"global_average_pooling1d{label}_mask",
        lambda k=keepdims: L.GlobalAveragePooling1D(keepdims=k), [SEQUENCE], masks=[MASK],
    )  # fmt: skip

# Shapes.
case("flatten", lambda: L.Flatten(), [SEQUENCE])
case("flatten_flat", lambda: L.Flatten(), [(3, F)])
case("flatten_one_axis", lambda: L.Flatten(), [(3,)])
case("flatten_four_axes", lambda: L.Flatten(), [(2, 3, 2, 2)])
case("reshape", lambda: L.Reshape((F, T)), [SEQUENCE])
case("reshape_unknown", lambda: L.Reshape((2, -1)), [(B, 6, 3)])
case("reshape_flat", lambda: L.Reshape((-1,)), [SEQUENCE])
case("reshape_more_axes", lambda: L.Reshape((2, 2, 3)), [(B, 12)])
case("permute", lambda: L.Permute((2, 1)), [SEQUENCE])
case("permute_three", lambda: L.Permute((3, 1, 2)), [(B, 2, 3, 4)])
case("repeat_vector", lambda: L.RepeatVector(T), [(B, F)])
case("zero_padding1d", lambda: L.ZeroPadding1D(), [SEQUENCE])
case("zero_padding1d_both", lambda: L.ZeroPadding1D(padding=(2, 1)), [SEQUENCE])
case("cropping1d", lambda: L.Cropping1D(), [SEQUENCE])
case("cropping1d_both", lambda: L.Cropping1D(cropping=(0, 2)), [SEQUENCE])
case("cropping1d_int", lambda: L.Cropping1D(cropping=2), [(B, 7, F)])
case("up_sampling1d", lambda: L.UpSampling1D(), [SEQUENCE])
case("up_sampling1d_three", lambda: L.UpSampling1D(size=3), [SEQUENCE])

# Embedding and masking.
TOKENS = np.array([[3, 0, 5, 3, 0], [0, 1, 6, 2, 2]], "int32")
case("embedding", lambda: L.Embedding(7, 3), [TOKENS])
case("embedding_mask_zero", lambda: L.Embedding(7, 3, mask_zero=True), [TOKENS])
case("embedding_flat", lambda: L.Embedding(7, 3), [np.array([4, 0, 6], "int32")])
case("embedding_floats", lambda: L.Embedding(7, 3, mask_zero=True), [TOKENS.astype("float32")])
case(
    "embedding_regularized",
    lambda: L.Embedding(7, 3, embeddings_regularizer="l2", embeddings_constraint="unit_norm"), [TOKENS],
)  # fmt: skip
STEPS = np.random.default_rng(7).normal(size=SEQUENCE).astype("float32")
STEPS[0, 3:], STEPS[1, 0], STEPS[1, 2, 1] = 0, 0, 0
case("masking", lambda: L.Masking(), [STEPS])
case("masking_value", lambda: L.Masking(mask_value=-1.5), [np.where(STEPS == 0, np.float32(-1.5), STEPS)])
case("masking_again", lambda: L.Masking(), [STEPS], masks=[MASK])

# Merging.
for name, layer in [
    ("add", L.Add), ("multiply", L.Multiply), ("average", L.Average), ("maximum", L.Maximum),
    ("minimum", L.Minimum), ("subtract", L.Subtract), ("concatenate", L.Concatenate),
]:  # fmt: skip
    two = [SEQUENCE, SEQUENCE]
    case(name, layer, two, style="list")
    case(f"{name}_masks", layer, two, masks=[MASK, OTHER_MASK], style="list")
    case(f"{name}_one_mask", layer, two, masks=[MASK, None], style="list")
    case(f"{name}_flat", layer, [(3, F), (3, F)], style="list")
    if name != "subtract":
        case(f"{name}_three", layer, [SEQUENCE] * 3, style="list")
    if name != "concatenate":
        case(f"{name}_broadcast", layer, [SEQUENCE, (B, 1, F)], style="list")
        case(f"{name}_fewer_axes", layer, [SEQUENCE, (B, F)], style="list")
case("concatenate_features", lambda: L.Concatenate(), [(B, T, 2), (B, T, 3)], style="list")
case("concatenate_time", lambda: L.Concatenate(axis=1), [(B, 2, F), (B, 3, F)], style="list")
case(
    "concatenate_time_masks", lambda: L.Concatenate(axis=1),
    [(B, 2, F), (B, 3, F)], masks=[[[1, 0], [0, 1]], [[1, 0, 1], [1, 1, 0]]], style="list",
)  # fmt: skip
case(
    "concatenate_time_one_mask", lambda: L.Concatenate(axis=1),
    [(B, 2, F), (B, 3, F)], masks=[[[1, 0], [0, 1]], None], style="list",
)  # fmt: skip
for name, axes, normalize, shapes in [
    ("flat", 1, False, [(3, F), (3, F)]),
    ("flat_normalize", -1, True, [(3, F), (3, F)]),
    ("sequences", 2, False, [(B, T, F), (B, 3, F)]),
    ("sequences_normalize", 2, True, [(B, T, F), (B, 3, F)]),
    ("time", 1, False, [(B, T, F), (B, T, 3)]),
    ("two_axes", (2, 1), False, [(B, T, F), (B, F, 3)]),
    ("sequence_and_vector", (2, 1), False, [(B, T, F), (B, F)]),
]:
    case(f"dot_{name}", lambda a=axes, n=normalize: L.Dot(axes=a, normalize=n), shapes, style="list")

# Attention: query, value and key.
QUERY, VALUE = (B, T, F), (B, 3, F)
VALUE_MASK = [[1, 0, 1], [1, 1, 0]]
for name, make in [
    ("attention", L.Attention),
    ("attention_concat", lambda **o: L.Attention(score_mode="concat", **o)),
    ("additive_attention", L.AdditiveAttention),
]:
    inputs = [QUERY, VALUE]
    case(name, make, inputs, style="list")
    case(f"{name}_key", make, [QUERY, VALUE, VALUE], style="list")
    case(f"{name}_scale", lambda m=make: m(use_scale=name != "additive_attention"), inputs, style="list")
    case(f"{name}_query_mask", make, inputs, masks=[MASK, None], style="list")
    case(f"{name}_value_mask", make, inputs, masks=[None, VALUE_MASK], style="list")
    case(f"{name}_masks", make, inputs, masks=[MASK, VALUE_MASK], style="list")
    case(f"{name}_causal", make, [QUERY, QUERY], style="list", kwargs=dict(use_causal_mask=True))
    case(
        f"{name}_causal_masks", make, [QUERY, QUERY], masks=[MASK, OTHER_MASK],
        style="list", kwargs=dict(use_causal_mask=True),
    )  # fmt: skip
    case(
        f"{name}_scores", make, inputs, masks=[MASK, VALUE_MASK],
        style="list", kwargs=dict(return_attention_scores=True),
    )  # fmt: skip
    case(f"{name}_dropout", lambda m=make: m(dropout=0.3), inputs, style="list", training=True)


def heads(num_heads=2, key_dim=3, **options):
    return L.MultiHeadAttention(num_heads, key_dim, **options)


ALLOWED = (np.random.default_rng(3).random((B, T, 3)) < 0.6).astype("bool")
ALLOWED[:, :, 0] = True
# Four axes, all different: batch, rows, columns, features.
GRID, OTHER_ROWS, OTHER_COLUMNS, OTHER_GRID = (B, 3, T, F), (B, 2, T, F), (B, 3, 6, F), (B, 2, 6, F)


def allowed(*shape):
    """A mask for scores of this shape in which every query sees something."""
    mask = np.random.default_rng(4).random(shape) < 0.6
    mask[..., 0] = True
    return mask


for name, make, inputs, options in [
    ("", heads, [QUERY, VALUE], {}),
    ("_self", heads, [QUERY, QUERY], {}),
    ("_key", heads, [QUERY, (B, 3, 5), (B, 3, 2)], {}),
    ("_one_head", lambda: heads(num_heads=1, key_dim=4), [QUERY, VALUE], {}),
    # Without the scores, keras 3.15.1 on JAX fails where value_dim differs from key_dim.
    ("_value_dim", lambda: heads(value_dim=5), [QUERY, VALUE], dict(kwargs=dict(return_attention_scores=True))),
    ("_output_shape", lambda: heads(output_shape=6), [QUERY, VALUE], {}),
    ("_no_bias", lambda: heads(use_bias=False), [QUERY, VALUE], {}),
    ("_query_mask", heads, [QUERY, VALUE], dict(masks=[MASK, None])),
    ("_value_mask", heads, [QUERY, VALUE], dict(masks=[None, VALUE_MASK])),
    ("_masks", heads, [QUERY, VALUE], dict(masks=[MASK, VALUE_MASK])),
    ("_key_mask", heads, [QUERY, VALUE, VALUE], dict(masks=[MASK, None, VALUE_MASK])),
    ("_causal", heads, [QUERY, QUERY], dict(kwargs=dict(use_causal_mask=True))),
    ("_causal_masks", heads, [QUERY, QUERY], dict(masks=[OTHER_MASK, MASK], kwargs=dict(use_causal_mask=True))),
    ("_attention_mask", heads, [QUERY, VALUE], dict(kwargs=dict(attention_mask=ALLOWED))),
    ("_scores", heads, [QUERY, VALUE], dict(kwargs=dict(return_attention_scores=True))),
    ("_gate", lambda: heads(use_gate=True), [QUERY, VALUE], dict(masks=[MASK, VALUE_MASK])),
    ("_gate_no_bias", lambda: heads(use_gate=True, use_bias=False), [QUERY, VALUE], {}),
    ("_window", lambda: heads(sliding_window=2), [QUERY, VALUE], dict(masks=[None, VALUE_MASK])),
    ("_window_one", lambda: heads(sliding_window=1), [QUERY, QUERY], {}),
    ("_window_causal", lambda: heads(sliding_window=3), [QUERY, QUERY], dict(kwargs=dict(use_causal_mask=True))),
    (
        "_regularized",
        lambda: heads(use_gate=True, activity_regularizer=keras.regularizers.L2(0.03), kernel_regularizer="l1"),
        [QUERY, VALUE], {},
    ),
    ("_mask_of_heads", heads, [QUERY, VALUE], dict(kwargs=dict(attention_mask=allowed(B, 2, T, 3)))),
    ("_mask_stretched", heads, [QUERY, VALUE], dict(masks=[MASK, None], kwargs=dict(attention_mask=allowed(B, 1, 3)))),
    ("_axes", lambda: heads(attention_axes=1), [QUERY, VALUE], {}),
    ("_axes_negative", lambda: heads(attention_axes=(-2,)), [QUERY, VALUE], dict(masks=[MASK, VALUE_MASK])),
    ("_grid", heads, [GRID, GRID], {}),
    ("_grid_key", lambda: heads(output_shape=6), [GRID, OTHER_GRID, (B, 2, 6, 3)], {}),
    ("_grid_gate", lambda: heads(value_dim=2, use_gate=True), [GRID, OTHER_GRID], {}),
    ("_grid_scores", heads, [GRID, OTHER_GRID], dict(kwargs=dict(return_attention_scores=True))),
    ("_grid_mask", heads, [GRID, OTHER_GRID], dict(kwargs=dict(attention_mask=allowed(B, 3, T, 2, 6)))),
    ("_grid_turned", lambda: heads(attention_axes=(2, 1)), [GRID, OTHER_GRID], dict(kwargs=dict(return_attention_scores=True))),
    ("_rows", lambda: heads(attention_axes=(1,)), [GRID, OTHER_ROWS], {}),
    ("_rows_masks", lambda: heads(attention_axes=1), [GRID, OTHER_ROWS], dict(masks=[[[1, 0, 1], [1, 1, 0]], [[1, 0], [1, 1]]])),
    ("_rows_window", lambda: heads(attention_axes=1, sliding_window=2), [GRID, GRID], dict(kwargs=dict(use_causal_mask=True))),
    ("_rows_scores", lambda: heads(attention_axes=1), [GRID, OTHER_ROWS], dict(kwargs=dict(return_attention_scores=True))),
    ("_columns", lambda: heads(attention_axes=(2,)), [GRID, OTHER_COLUMNS], {}),
    ("_columns_mask", lambda: heads(attention_axes=-2), [GRID, OTHER_COLUMNS], dict(kwargs=dict(attention_mask=allowed(B, 1, T, 6)))),
    (
        "_columns_mask_of_heads", lambda: heads(attention_axes=2),
        [GRID, OTHER_COLUMNS], dict(kwargs=dict(attention_mask=allowed(B, 3, 2, T, 6))),
    ),
    ("_columns_scores", lambda: heads(attention_axes=2), [GRID, OTHER_COLUMNS], dict(kwargs=dict(return_attention_scores=True))),
    (
        "_columns_regularized",
        lambda: heads(attention_axes=2, activity_regularizer=keras.regularizers.L2(0.03)), [GRID, OTHER_COLUMNS], {},
    ),
    ("_columns_dropout", lambda: heads(attention_axes=2, dropout=0.3), [GRID, OTHER_COLUMNS], dict(training=True)),
    ("_five_axes", lambda: heads(attention_axes=2), [(B, 3, T, 2, F), (B, 3, 4, 2, F)], {}),
    ("_dropout", lambda: heads(dropout=0.3), [QUERY, VALUE], dict(training=True)),
    ("_dropout_masks", lambda: heads(dropout=0.3), [QUERY, VALUE], dict(masks=[MASK, VALUE_MASK], training=True)),
    ("_dropout_inference", lambda: heads(dropout=0.3), [QUERY, VALUE], {}),
]:
    case(f"multi_head_attention{name}", make, inputs, style="args", **options)
