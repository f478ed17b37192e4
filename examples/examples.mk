# Examples that are installed beside the documentation:
#   nobase_dist_doc_DATA += examples/shop/berth.yaml
