variable "name" {
  type = string
}

variable "backup_days" {
  type    = number
  default = 7
}

resource "terraform_data" "mysql" {
  input = "${var.name}:${var.backup_days}"
}
