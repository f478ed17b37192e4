# The model room: its library. Sources are listed one a line, private headers with them.
noinst_LIBRARIES += src/model/libmodel.a
src_model_libmodel_a_SOURCES =
